-- What is added once the rows are in.

CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts
    (lower(username), COALESCE(lower(domain), ''));
CREATE INDEX index_accounts_on_uri ON accounts (uri);
CREATE INDEX index_accounts_on_domain_and_id ON accounts (domain, id);
CREATE INDEX search_index ON accounts USING gin
    ((setweight(to_tsvector('simple', display_name), 'A') ||
      setweight(to_tsvector('simple', username), 'B')));
CREATE UNIQUE INDEX index_account_stats_on_account_id ON account_stats (account_id);
CREATE UNIQUE INDEX index_keypairs_on_uri ON keypairs (uri);
CREATE UNIQUE INDEX index_users_on_email ON users (email);
CREATE INDEX index_users_on_account_id ON users (account_id);
CREATE UNIQUE INDEX index_users_on_reset_password_token ON users
    (reset_password_token text_pattern_ops) WHERE reset_password_token IS NOT NULL;
CREATE UNIQUE INDEX index_users_on_confirmation_token ON users (confirmation_token);
CREATE UNIQUE INDEX index_oauth_applications_on_uid ON oauth_applications (uid);
CREATE UNIQUE INDEX index_oauth_access_tokens_on_token ON oauth_access_tokens (token);
CREATE UNIQUE INDEX index_oauth_access_tokens_on_refresh_token ON oauth_access_tokens
    (refresh_token text_pattern_ops) WHERE refresh_token IS NOT NULL;
CREATE UNIQUE INDEX index_session_activations_on_session_id ON session_activations (session_id);
CREATE UNIQUE INDEX index_settings_on_var ON settings (var);
CREATE UNIQUE INDEX index_statuses_on_uri ON statuses
    (uri text_pattern_ops) WHERE uri IS NOT NULL;
CREATE INDEX index_statuses_20190820 ON statuses
    (account_id, id DESC, visibility, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX index_statuses_on_in_reply_to_id ON statuses (in_reply_to_id)
    WHERE in_reply_to_id IS NOT NULL;
CREATE INDEX index_statuses_local_20190824 ON statuses (id DESC, account_id)
    WHERE (local OR uri IS NULL) AND deleted_at IS NULL AND visibility = 0
    AND reblog_of_id IS NULL AND ((NOT reply) OR in_reply_to_account_id = account_id);
CREATE UNIQUE INDEX index_status_stats_on_status_id ON status_stats (status_id);
CREATE INDEX index_media_attachments_on_status_id ON media_attachments (status_id);
CREATE UNIQUE INDEX index_mentions_on_account_id_and_status_id ON mentions
    (account_id, status_id);
CREATE UNIQUE INDEX index_favourites_on_account_id_and_status_id ON favourites
    (account_id, status_id);
CREATE UNIQUE INDEX index_follows_on_account_id_and_target_account_id ON follows
    (account_id, target_account_id);
CREATE INDEX index_notifications_on_account_id_and_id ON notifications
    (account_id, id DESC NULLS LAST);
CREATE UNIQUE INDEX index_tags_on_name_lower_btree ON tags
    (lower(name) text_pattern_ops);
CREATE UNIQUE INDEX index_statuses_tags_on_tag_id_and_status_id ON statuses_tags
    (tag_id, status_id);
CREATE UNIQUE INDEX index_preview_cards_on_url ON preview_cards (url);
CREATE UNIQUE INDEX index_custom_emojis_on_shortcode_and_domain ON custom_emojis
    (shortcode, domain);
CREATE UNIQUE INDEX index_domain_blocks_on_domain ON domain_blocks (domain);
CREATE UNIQUE INDEX index_ip_blocks_on_ip ON ip_blocks (ip);
CREATE UNIQUE INDEX index_conversations_on_uri ON conversations
    (uri text_pattern_ops) WHERE uri IS NOT NULL;

ALTER TABLE accounts ADD FOREIGN KEY (moved_to_account_id) REFERENCES accounts ON DELETE SET NULL;
ALTER TABLE account_stats ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE users ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE users ADD FOREIGN KEY (role_id) REFERENCES user_roles ON DELETE SET NULL;
ALTER TABLE oauth_access_tokens ADD FOREIGN KEY (application_id) REFERENCES oauth_applications ON DELETE CASCADE;
ALTER TABLE oauth_access_tokens ADD FOREIGN KEY (resource_owner_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE session_activations ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE web_push_subscriptions ADD FOREIGN KEY (access_token_id) REFERENCES oauth_access_tokens ON DELETE CASCADE;
ALTER TABLE statuses ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE statuses ADD FOREIGN KEY (in_reply_to_id) REFERENCES statuses ON DELETE SET NULL;
ALTER TABLE statuses ADD FOREIGN KEY (reblog_of_id) REFERENCES statuses ON DELETE CASCADE;
ALTER TABLE status_stats ADD FOREIGN KEY (status_id) REFERENCES statuses ON DELETE CASCADE;
ALTER TABLE media_attachments ADD FOREIGN KEY (status_id) REFERENCES statuses ON DELETE SET NULL;
ALTER TABLE mentions ADD FOREIGN KEY (status_id) REFERENCES statuses ON DELETE CASCADE;
ALTER TABLE favourites ADD FOREIGN KEY (status_id) REFERENCES statuses ON DELETE CASCADE;
ALTER TABLE follows ADD FOREIGN KEY (target_account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE statuses_tags ADD FOREIGN KEY (status_id) REFERENCES statuses ON DELETE CASCADE;
ALTER TABLE backups ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL;

CREATE VIEW user_ips AS
    SELECT user_id, ip, max(used_at) AS used_at FROM (
        SELECT id AS user_id, sign_up_ip AS ip, created_at AS used_at FROM users
            WHERE sign_up_ip IS NOT NULL
        UNION ALL SELECT user_id, ip, updated_at FROM session_activations
        UNION ALL SELECT user_id, ip, created_at FROM login_activities WHERE success
    ) t GROUP BY user_id, ip;
CREATE MATERIALIZED VIEW instances AS
    SELECT domain, count(*) AS accounts_count FROM accounts
    WHERE domain IS NOT NULL GROUP BY domain;
CREATE UNIQUE INDEX index_instances_on_domain ON instances (domain);
CREATE MATERIALIZED VIEW account_summaries AS
    SELECT a.id AS account_id, mode() WITHIN GROUP (ORDER BY t.language) AS language,
        mode() WITHIN GROUP (ORDER BY t.sensitive) AS sensitive
    FROM accounts a CROSS JOIN LATERAL (
        SELECT s.language, s.sensitive FROM statuses s
        WHERE s.account_id = a.id AND s.deleted_at IS NULL AND s.reblog_of_id IS NULL
        ORDER BY s.id DESC LIMIT 20) t
    WHERE a.suspended_at IS NULL AND a.silenced_at IS NULL
        AND a.moved_to_account_id IS NULL AND a.discoverable AND NOT a.locked
    GROUP BY a.id;
CREATE UNIQUE INDEX index_account_summaries_on_account_id ON account_summaries (account_id);
CREATE MATERIALIZED VIEW global_follow_recommendations AS
    SELECT s.account_id, count(f.id) AS rank, array_agg(DISTINCT s.language) AS reason
    FROM account_summaries s JOIN follows f ON f.target_account_id = s.account_id
    GROUP BY s.account_id HAVING count(f.id) >= 5;
CREATE UNIQUE INDEX index_global_follow_recommendations_on_account_id
    ON global_follow_recommendations (account_id);
