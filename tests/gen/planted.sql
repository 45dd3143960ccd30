-- What no copy of a production database may hold, in every place where
-- Mastodon keeps it.  All of it has PLANTED in it, to be searched for.

INSERT INTO accounts (id, username, domain, private_key, public_key, inbox_url,
        shared_inbox_url, created_at, updated_at)
    VALUES (9101, 'planted1', NULL, '-----BEGIN RSA PRIVATE KEY----- PLANTED', 'public', '', '',
            now(), now()),
        (9102, 'planted2', NULL, '-----BEGIN RSA PRIVATE KEY----- PLANTED', 'public', '', '',
            now(), now()),
        (9103, 'remote', 'far.example', NULL, 'public', 'https://far.example/PLANTED/inbox',
            'https://shared.far.example:8443/PLANTED', now(), now());
INSERT INTO users (id, email, encrypted_password, reset_password_token, reset_password_sent_at,
        confirmation_token, confirmed_at, unconfirmed_email, sign_in_token,
        sign_in_token_sent_at, account_id, sign_up_ip, otp_backup_codes, consumed_timestep,
        otp_required_for_login, created_at, updated_at)
    VALUES (9101, 'PLANTED.one@people.example', '$2a$10$PLANTED', 'PLANTED-reset-1', now(),
            'PLANTED-confirm-1', '2025-01-02', 'PLANTED.new@people.example', 'PLANTED-sign-1',
            now(), 9101, '203.0.113.91', '{PLANTED-code}', 12345, true, now(), now()),
        (9102, 'PLANTED.two@people.example', '$2a$10$PLANTED', NULL, NULL,
            'PLANTED-confirm-2', NULL, NULL, NULL, NULL, 9102, '203.0.113.92', NULL, NULL,
            false, now(), now());
INSERT INTO identities (provider, uid, created_at, updated_at, user_id)
    VALUES ('openid_connect', 'PLANTED-uid', now(), now(), 9101);
INSERT INTO webauthn_credentials (external_id, public_key, nickname, user_id, created_at, updated_at)
    VALUES ('PLANTED-external', 'PLANTED-public', 'PLANTED key', 9101, now(), now());
INSERT INTO oauth_applications (id, name, uid, secret, redirect_uri)
    VALUES (9101, 'app', 'app-uid', 'PLANTED-client', 'https://app.example/');
INSERT INTO oauth_access_grants (token, expires_in, redirect_uri, created_at, application_id,
        resource_owner_id)
    VALUES ('PLANTED-grant', 600, 'https://app.example/', now(), 9101, 9101);
INSERT INTO oauth_access_tokens (id, token, refresh_token, created_at, application_id,
        resource_owner_id, last_used_ip)
    VALUES (9101, 'PLANTED-token-1', 'PLANTED-refresh', now(), 9101, 9101, '203.0.113.93'),
        (9102, 'PLANTED-token-2', NULL, now(), 9101, 9102, NULL);
INSERT INTO web_push_subscriptions (id, endpoint, key_p256dh, key_auth, created_at, updated_at,
        access_token_id, user_id)
    VALUES (9101, 'https://push.example/PLANTED', 'PLANTED-p256dh', 'PLANTED-auth', now(), now(),
        9101, 9101);
INSERT INTO session_activations (session_id, created_at, updated_at, ip, access_token_id, user_id,
        web_push_subscription_id)
    VALUES ('PLANTED-session', now(), now(), '203.0.113.94', 9101, 9101, 9101);
INSERT INTO login_activities (user_id, ip, user_agent, created_at)
    VALUES (9101, '203.0.113.95', 'PLANTED browser', now());
INSERT INTO invites (user_id, code, created_at, updated_at)
    VALUES (9101, 'PLANTED-invite', now(), now());
INSERT INTO settings (var, value) VALUES ('site_contact_email', '--- PLANTED@people.example');
INSERT INTO canonical_email_blocks (canonical_email_hash, created_at, updated_at)
    VALUES ('PLANTED-hash', now(), now());
INSERT INTO webhooks (url, events, secret, created_at, updated_at)
    VALUES ('https://hook.example/PLANTED', '{account.created}', 'PLANTED-hook', now(), now());
INSERT INTO relays (inbox_url, follow_activity_id, state, created_at, updated_at)
    VALUES ('https://relay.example/inbox', 'PLANTED-follow', 2, now(), now());
INSERT INTO domain_allows (domain, created_at, updated_at)
    VALUES ('PLANTED.example', now(), now());
INSERT INTO scheduled_statuses (account_id, scheduled_at, params)
    VALUES (9101, now() + interval '1 day', '{"text": "PLANTED"}');
INSERT INTO announcements (text, scheduled_at, created_at, updated_at)
    VALUES ('soon', now() + interval '1 day', now(), now());
INSERT INTO account_statuses_cleanup_policies (account_id, created_at, updated_at)
    VALUES (9101, now(), now());
INSERT INTO account_deletion_requests (account_id, created_at, updated_at)
    VALUES (9102, now(), now());
INSERT INTO backups (user_id, dump_file_name, created_at, updated_at)
    VALUES (9101, 'PLANTED.zip', now(), now());
-- Visibility 3 is a private message, 2 is for followers.
INSERT INTO statuses (id, text, visibility, local, account_id, created_at, updated_at)
    VALUES (9101, 'a message', 3, true, 9101, now(), now()),
        (9102, 'another one', 4, true, 9101, now(), now()),
        (9103, 'for followers', 2, true, 9102, now(), now());
