-- More of planted.sql: in tables and columns that came later than 3.5.

UPDATE users SET otp_secret = '{"p":"PLANTED"}' WHERE id = 9101;
INSERT INTO keypairs (account_id, uri, public_key, private_key, created_at, updated_at)
    VALUES (9101, 'https://social.example/users/planted1#main-key', 'public', '{"p":"PLANTED"}',
        now(), now());
INSERT INTO email_subscriptions (account_id, email, confirmation_token, created_at, updated_at)
    VALUES (9101, 'PLANTED.reader@people.example', 'PLANTED-subscription', now(), now());
INSERT INTO bulk_imports (id, type, state, original_filename, account_id, created_at, updated_at)
    VALUES (9101, 0, 0, 'PLANTED.csv', 9101, now(), now());
INSERT INTO bulk_import_rows (bulk_import_id, data, created_at, updated_at)
    VALUES (9101, '{"acct": "PLANTED@far.example"}', now(), now());
INSERT INTO fasp_providers (id, name, base_url, remote_identifier, provider_public_key_pem,
        server_private_key_pem, created_at, updated_at)
    VALUES (9101, 'discovery', 'https://fasp.example/', 'PLANTED-id', 'public',
        '-----BEGIN PRIVATE KEY----- PLANTED', now(), now());
INSERT INTO fasp_subscriptions (category, subscription_type, max_batch_size, fasp_provider_id,
        created_at, updated_at)
    VALUES ('account', 'lifecycle', 10, 9101, now(), now());
INSERT INTO fasp_backfill_requests (category, cursor, fasp_provider_id, created_at, updated_at)
    VALUES ('content', 'PLANTED', 9101, now(), now());
INSERT INTO fasp_debug_callbacks (fasp_provider_id, ip, request_body, created_at, updated_at)
    VALUES (9101, '203.0.113.96', 'PLANTED', now(), now());
