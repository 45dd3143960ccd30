# SPDX-License-Identifier: MIT
# legacy.rb write N | check GENERATION ok|fail - users.encrypted_otp_secret by
# the libraries that Mastodon up to 4.2 uses.
#
# The document of tests/e2e/tool_column.c comes on stdin.  "write" adds N rows
# under "old"; "check" reads each under GENERATION and compares with "plain".
# Where PGHOST names a PostgreSQL, rows are written into its tables and read
# from there, as they are then.
require 'json'
require 'logger'
require 'active_record'
require 'devise'
require 'devise/orm/active_record'
require 'devise-two-factor'

doc = JSON.parse($stdin.read)
verb, arg, want = ARGV
key = doc.fetch(verb == 'write' ? 'old' : arg).fetch('OTP_SECRET')

TABLES = !ENV['PGHOST'].to_s.empty?
if TABLES
  # libpq's environment says the rest.
  ActiveRecord::Base.establish_connection(adapter: 'postgresql')
else
  ActiveRecord::Base.establish_connection(adapter: 'sqlite3', database: ':memory:')
  ActiveRecord::Schema.verbose = false
  ActiveRecord::Schema.define do
    create_table :users do |t|
      t.string :email
      t.string :encrypted_password
      t.string :encrypted_otp_secret
      t.string :encrypted_otp_secret_iv
      t.string :encrypted_otp_secret_salt
      t.integer :consumed_timestep
      t.boolean :otp_required_for_login
    end
  end
end

User = Class.new(ActiveRecord::Base) do
  def self.name
    'User'
  end
  # attr_encrypted's attribute has the name of a later version's column.
  self.ignored_columns = %w(otp_secret)
  extend Devise::Models
  devise :two_factor_authenticatable, otp_secret_encryption_key: key
end

COLUMNS = %w(encrypted_otp_secret encrypted_otp_secret_iv encrypted_otp_secret_salt).freeze

def raw(id)
  User.connection.select_one("SELECT #{COLUMNS.join(', ')} FROM users WHERE id = #{id}")
end

if verb == 'write'
  arg.to_i.times do |i|
    # 16, 24, 32 and 52 characters: all lengths that were ever made.
    plain = User.generate_otp_secret([16, 24, 32, 52][i % 4])
    id = User.create!(otp_secret: plain).id
    doc['rows'] << raw(id).merge('kind' => 'legacy', 'plain' => plain, 'id' => id)
  end
  print JSON.dump(doc)
  exit
end

rows = doc['rows'].select { |r| r['kind'] == 'legacy' }
good = rows.count do |row|
  id = row['id']
  unless TABLES
    id = User.insert!(row.slice(*COLUMNS)).then { User.maximum(:id) }
    raise 'not stored as given' unless raw(id) == row.slice(*COLUMNS)
  end
  begin
    User.find(id).otp_secret == row['plain']
  rescue OpenSSL::Cipher::CipherError
    false
  end
end
puts "legacy: #{good} of #{rows.size} rows read under '#{arg}'"
exit(rows.empty? || good != (want == 'ok' ? rows.size : 0) ? 1 : 0)
