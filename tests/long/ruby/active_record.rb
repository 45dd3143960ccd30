# SPDX-License-Identifier: MIT
# active_record.rb write N | check GENERATION ok|fail - users.otp_secret and
# keypairs.private_key by ActiveRecord::Encryption, set up as Mastodon does.
#
# The document of tests/e2e/tool_column.c comes on stdin.  "write" adds N rows
# under "old", every other one under the SHA-1-derived key; "check" reads each
# under GENERATION, as Mastodon would, and compares with "plain" and "encoding".
# Where PGHOST names a PostgreSQL, rows are written into its tables and read
# from there, as they are then.
require 'json'
require 'logger'
require 'openssl'
require 'active_record'

doc = JSON.parse($stdin.read)
verb, arg, want = ARGV
$keys = doc.fetch(verb == 'write' ? 'old' : arg)

# Rails reads these settings once for each model, when it is made.
def configure(digest)
  ActiveRecord::Encryption.configure(
    primary_key: $keys.fetch('ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY'),
    deterministic_key: 'x' * 32,
    key_derivation_salt: $keys.fetch('ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT'),
    hash_digest_class: digest,
    support_sha1_for_non_deterministic_encryption: true
  )
end

TABLES = !ENV['PGHOST'].to_s.empty?
if TABLES
  # libpq's environment says the rest.
  ActiveRecord::Base.establish_connection(adapter: 'postgresql')
else
  ActiveRecord::Base.establish_connection(adapter: 'sqlite3', database: ':memory:')
  ActiveRecord::Schema.verbose = false
  ActiveRecord::Schema.define { create_table(:users) { |t| t.string :otp_secret } }
end

def model(digest)
  configure(digest)
  made = Class.new(ActiveRecord::Base) do
    self.table_name = 'users'
    encrypts :otp_secret
  end
  # The key is derived at the first use, from the settings of that moment.
  made.create!(otp_secret: 'warm').delete
  made
end

def raw(id)
  ActiveRecord::Base.connection.select_value("SELECT otp_secret FROM users WHERE id = #{id}")
end

PEM = OpenSSL::PKey::RSA.new(2048).to_pem
# What Mastodon stores, and what it could: lengths around the threshold of
# compression, encodings that make a header, nothing, and much.
SAMPLES = [
  -> { SecureRandom.alphanumeric(52) },
  -> { SecureRandom.alphanumeric(32).b },
  -> { SecureRandom.alphanumeric(140) },
  -> { SecureRandom.alphanumeric(141) },
  -> { PEM.dup },
  -> { PEM.dup.force_encoding('UTF-8') },
  -> { PEM.dup.force_encoding('US-ASCII') },
  -> { '' },
  -> { SecureRandom.bytes(3000) },
  -> { 'é' * 5000 },
].freeze

if verb == 'write'
  [OpenSSL::Digest::SHA256, OpenSSL::Digest::SHA1].each do |digest|
    users = model(digest)
    (arg.to_i / 2).times do |i|
      plain = SAMPLES[i % SAMPLES.size].call
      id = users.create!(otp_secret: plain).id
      doc['rows'] << { 'kind' => 'ar', 'message' => raw(id), 'plain' => [plain].pack('m0'),
                       'encoding' => plain.encoding.name, 'id' => id }
    end
  end
  print JSON.dump(doc)
  exit
end

users = model(OpenSSL::Digest::SHA256)
rows = doc['rows'].select { |r| r['kind'] == 'ar' }
insert = ->(text) { ActiveRecord::Base.connection.exec_insert("INSERT INTO users (otp_secret) VALUES (#{ActiveRecord::Base.connection.quote(text)})") }
good = rows.count do |row|
  id = row['id']
  unless TABLES
    insert.call(row['message'])
    id = ActiveRecord::Base.connection.select_value('SELECT max(id) FROM users')
    raise 'not stored as given' unless raw(id) == row['message']
  end
  begin
    got = users.find(id).otp_secret
    [got].pack('m0') == row['plain'] && got.encoding.name == row['encoding']
  rescue ActiveRecord::Encryption::Errors::Decryption
    false
  end
end
puts "ActiveRecord: #{good} of #{rows.size} rows read under '#{arg}'"
exit(rows.empty? || good != (want == 'ok' ? rows.size : 0) ? 1 : 0)
