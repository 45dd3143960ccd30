-- The shape of a Mastodon 4.6 database: its larger and its more peculiar
-- tables, written from what is known of them, not taken from Mastodon.
-- Indexes and foreign keys are in indexes.sql, to be added after the rows.

CREATE FUNCTION timestamp_id(table_name text) RETURNS bigint LANGUAGE plpgsql
AS $$
DECLARE
    time_part bigint := (date_part('epoch', now()) * 1000)::bigint << 16;
    base bigint := ('x' || substr(md5(table_name || '8d2f6ab1c09e4f73a5d41e0b97c3f268'
        || time_part::text), 1, 4))::bit(16)::bigint;
BEGIN
    RETURN time_part | ((base + nextval(table_name || '_id_seq')) & 65535);
END
$$;

-- Owned by no column: they serve timestamp_id().
CREATE SEQUENCE accounts_id_seq;
CREATE SEQUENCE statuses_id_seq;
CREATE SEQUENCE media_attachments_id_seq;
CREATE SEQUENCE quotes_id_seq;
CREATE SEQUENCE notification_requests_id_seq;

CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);

CREATE TABLE accounts (
    id bigint PRIMARY KEY DEFAULT timestamp_id('accounts'),
    username varchar NOT NULL DEFAULT '', domain varchar,
    private_key text, public_key text NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    note text NOT NULL DEFAULT '', display_name varchar NOT NULL DEFAULT '',
    uri varchar NOT NULL DEFAULT '', url varchar,
    avatar_file_name varchar, avatar_content_type varchar,
    avatar_file_size integer, avatar_updated_at timestamp,
    header_file_name varchar, header_content_type varchar,
    header_file_size integer, header_updated_at timestamp,
    avatar_remote_url varchar, header_remote_url varchar NOT NULL DEFAULT '',
    locked boolean NOT NULL DEFAULT false,
    last_webfingered_at timestamp,
    inbox_url varchar NOT NULL DEFAULT '', outbox_url varchar NOT NULL DEFAULT '',
    shared_inbox_url varchar NOT NULL DEFAULT '',
    followers_url varchar NOT NULL DEFAULT '', protocol integer NOT NULL DEFAULT 0,
    memorial boolean NOT NULL DEFAULT false, moved_to_account_id bigint,
    featured_collection_url varchar, fields jsonb, actor_type varchar,
    discoverable boolean, also_known_as varchar[], silenced_at timestamp,
    suspended_at timestamp, suspension_origin integer, hide_collections boolean,
    avatar_storage_schema_version integer, header_storage_schema_version integer,
    sensitized_at timestamp, trendable boolean, reviewed_at timestamp,
    requested_review_at timestamp, indexable boolean NOT NULL DEFAULT false,
    attribution_domains varchar[] DEFAULT '{}');

CREATE TABLE account_stats (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    statuses_count bigint NOT NULL DEFAULT 0,
    following_count bigint NOT NULL DEFAULT 0,
    followers_count bigint NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    last_status_at timestamp);

CREATE TABLE keypairs (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    uri varchar NOT NULL, type integer NOT NULL DEFAULT 0,
    public_key varchar NOT NULL, private_key varchar, expires_at timestamp,
    revoked boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);

CREATE TABLE user_roles (
    id bigserial PRIMARY KEY, name varchar NOT NULL DEFAULT '',
    color varchar NOT NULL DEFAULT '', position integer NOT NULL DEFAULT 0,
    permissions bigint NOT NULL DEFAULT 0,
    highlighted boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);

CREATE TABLE users (
    id bigserial PRIMARY KEY, email varchar NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    encrypted_password varchar NOT NULL DEFAULT '',
    reset_password_token varchar, reset_password_sent_at timestamp,
    sign_in_count integer NOT NULL DEFAULT 0, current_sign_in_at timestamp,
    last_sign_in_at timestamp, confirmation_token varchar,
    confirmed_at timestamp, confirmation_sent_at timestamp,
    unconfirmed_email varchar, locale varchar,
    consumed_timestep integer, otp_required_for_login boolean NOT NULL DEFAULT false,
    last_emailed_at timestamp, otp_backup_codes varchar[],
    account_id bigint NOT NULL, disabled boolean NOT NULL DEFAULT false,
    invite_id bigint, chosen_languages varchar[],
    created_by_application_id bigint, approved boolean NOT NULL DEFAULT true,
    sign_in_token varchar, sign_in_token_sent_at timestamp, webauthn_id varchar,
    sign_up_ip inet, skip_sign_in_token boolean, role_id bigint, settings text,
    time_zone varchar, otp_secret varchar, age_verified_at timestamp);

CREATE TABLE identities (id bigserial PRIMARY KEY, provider varchar NOT NULL DEFAULT '',
    uid varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, user_id bigint NOT NULL);
CREATE TABLE webauthn_credentials (id bigserial PRIMARY KEY,
    external_id varchar NOT NULL, public_key varchar NOT NULL,
    nickname varchar NOT NULL, sign_count bigint NOT NULL DEFAULT 0,
    user_id bigint NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE oauth_applications (id bigserial PRIMARY KEY, name varchar NOT NULL,
    uid varchar NOT NULL, secret varchar NOT NULL, redirect_uri text NOT NULL,
    scopes varchar NOT NULL DEFAULT '', created_at timestamp,
    updated_at timestamp, superapp boolean NOT NULL DEFAULT false,
    website varchar, owner_type varchar, owner_id bigint,
    confidential boolean NOT NULL DEFAULT true);
CREATE TABLE oauth_access_grants (id bigserial PRIMARY KEY,
    token varchar NOT NULL, expires_in integer NOT NULL, redirect_uri text NOT NULL,
    created_at timestamp NOT NULL, revoked_at timestamp, scopes varchar,
    application_id bigint NOT NULL, resource_owner_id bigint NOT NULL);
CREATE TABLE oauth_access_tokens (id bigserial PRIMARY KEY,
    token varchar NOT NULL, refresh_token varchar, expires_in integer,
    revoked_at timestamp, created_at timestamp NOT NULL, scopes varchar,
    application_id bigint, resource_owner_id bigint, last_used_at timestamp,
    last_used_ip inet);
CREATE TABLE session_activations (id bigserial PRIMARY KEY,
    session_id varchar NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, user_agent varchar NOT NULL DEFAULT '',
    ip inet, access_token_id bigint, user_id bigint NOT NULL,
    web_push_subscription_id bigint);
CREATE TABLE web_push_subscriptions (id bigserial PRIMARY KEY,
    endpoint varchar NOT NULL, key_p256dh varchar NOT NULL,
    key_auth varchar NOT NULL, data json, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, access_token_id bigint NOT NULL,
    user_id bigint NOT NULL, standard boolean NOT NULL DEFAULT false);
CREATE TABLE web_settings (id bigserial PRIMARY KEY, data json,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    user_id bigint NOT NULL);
CREATE TABLE login_activities (id bigserial PRIMARY KEY,
    user_id bigint NOT NULL, authentication_method varchar, provider varchar,
    success boolean, failure_reason varchar, ip inet, user_agent varchar,
    created_at timestamp);
CREATE TABLE settings (id bigserial PRIMARY KEY, var varchar NOT NULL,
    value text, created_at timestamp, updated_at timestamp);
CREATE TABLE site_uploads (id bigserial PRIMARY KEY, var varchar NOT NULL DEFAULT '',
    file_file_name varchar, file_content_type varchar, file_file_size integer,
    file_updated_at timestamp, meta json, blurhash varchar,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE invites (id bigserial PRIMARY KEY, user_id bigint NOT NULL,
    code varchar NOT NULL, expires_at timestamp, max_uses integer,
    uses integer NOT NULL DEFAULT 0, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, autofollow boolean NOT NULL DEFAULT false,
    comment text);
CREATE TABLE rules (id bigserial PRIMARY KEY, priority integer NOT NULL DEFAULT 0,
    deleted_at timestamp, text text NOT NULL DEFAULT '', hint text NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE webhooks (id bigserial PRIMARY KEY, url varchar NOT NULL,
    events varchar[] NOT NULL DEFAULT '{}', secret varchar NOT NULL DEFAULT '',
    enabled boolean NOT NULL DEFAULT true, template text,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);

CREATE TABLE conversations (id bigserial PRIMARY KEY, uri varchar,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    parent_status_id bigint, parent_account_id bigint);

CREATE TABLE statuses (
    id bigint PRIMARY KEY DEFAULT timestamp_id('statuses'), uri varchar,
    text text NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    in_reply_to_id bigint, reblog_of_id bigint, url varchar,
    sensitive boolean NOT NULL DEFAULT false, visibility integer NOT NULL DEFAULT 0,
    spoiler_text text NOT NULL DEFAULT '', reply boolean NOT NULL DEFAULT false,
    language varchar, conversation_id bigint, local boolean,
    account_id bigint NOT NULL, application_id bigint,
    in_reply_to_account_id bigint, poll_id bigint, deleted_at timestamp,
    edited_at timestamp, trendable boolean, ordered_media_attachment_ids bigint[],
    fetched_replies_at timestamp, quote_approval_policy integer NOT NULL DEFAULT 0);

CREATE TABLE status_stats (id bigserial PRIMARY KEY, status_id bigint NOT NULL,
    replies_count bigint NOT NULL DEFAULT 0, reblogs_count bigint NOT NULL DEFAULT 0,
    favourites_count bigint NOT NULL DEFAULT 0, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, untrusted_favourites_count bigint,
    untrusted_reblogs_count bigint, quotes_count bigint NOT NULL DEFAULT 0);
CREATE TABLE status_edits (id bigserial PRIMARY KEY, status_id bigint NOT NULL,
    account_id bigint, text text NOT NULL DEFAULT '', spoiler_text text NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    ordered_media_attachment_ids bigint[], media_descriptions text[],
    poll_options varchar[], sensitive boolean);
CREATE TABLE status_pins (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    status_id bigint NOT NULL, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE quotes (id bigint PRIMARY KEY DEFAULT timestamp_id('quotes'),
    account_id bigint NOT NULL, status_id bigint NOT NULL, quoted_status_id bigint,
    quoted_account_id bigint, state integer NOT NULL DEFAULT 0,
    approval_uri varchar, activity_uri varchar,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);

CREATE TABLE media_attachments (
    id bigint PRIMARY KEY DEFAULT timestamp_id('media_attachments'),
    status_id bigint, file_file_name varchar, file_content_type varchar,
    file_file_size integer, file_updated_at timestamp,
    remote_url varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, shortcode varchar, type integer NOT NULL DEFAULT 0,
    file_meta json, account_id bigint, description text, scheduled_status_id bigint,
    blurhash varchar, processing integer, file_storage_schema_version integer,
    thumbnail_file_name varchar, thumbnail_content_type varchar,
    thumbnail_file_size integer, thumbnail_updated_at timestamp,
    thumbnail_remote_url varchar, thumbnail_storage_schema_version integer);

CREATE TABLE mentions (id bigserial PRIMARY KEY, status_id bigint NOT NULL,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    account_id bigint NOT NULL, silent boolean NOT NULL DEFAULT false);
CREATE TABLE favourites (id bigserial PRIMARY KEY, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, account_id bigint NOT NULL,
    status_id bigint NOT NULL);
CREATE TABLE bookmarks (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    status_id bigint NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE follows (id bigserial PRIMARY KEY, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, account_id bigint NOT NULL,
    target_account_id bigint NOT NULL, show_reblogs boolean NOT NULL DEFAULT true,
    uri varchar, notify boolean NOT NULL DEFAULT false, languages varchar[]);
CREATE TABLE blocks (id bigserial PRIMARY KEY, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, account_id bigint NOT NULL,
    target_account_id bigint NOT NULL, uri varchar);
CREATE TABLE mutes (id bigserial PRIMARY KEY, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, hide_notifications boolean NOT NULL DEFAULT true,
    account_id bigint NOT NULL, target_account_id bigint NOT NULL,
    expires_at timestamp);
CREATE TABLE lists (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    title varchar NOT NULL DEFAULT '', created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, replies_policy integer NOT NULL DEFAULT 0,
    exclusive boolean NOT NULL DEFAULT false);
CREATE TABLE list_accounts (id bigserial PRIMARY KEY, list_id bigint NOT NULL,
    account_id bigint NOT NULL, follow_id bigint, follow_request_id bigint);
CREATE TABLE notifications (id bigserial PRIMARY KEY, activity_id bigint NOT NULL,
    activity_type varchar NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, account_id bigint NOT NULL,
    from_account_id bigint NOT NULL, type varchar,
    filtered boolean NOT NULL DEFAULT false, group_key varchar);
CREATE TABLE notification_requests (
    id bigint PRIMARY KEY DEFAULT timestamp_id('notification_requests'),
    account_id bigint NOT NULL, from_account_id bigint NOT NULL,
    last_status_id bigint, notifications_count bigint NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE markers (id bigserial PRIMARY KEY, user_id bigint NOT NULL,
    timeline varchar NOT NULL DEFAULT '', last_read_id bigint NOT NULL DEFAULT 0,
    lock_version integer NOT NULL DEFAULT 0, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE tags (id bigserial PRIMARY KEY, name varchar NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL, usable boolean,
    trendable boolean, listable boolean, reviewed_at timestamp,
    requested_review_at timestamp, last_status_at timestamp, max_score float,
    max_score_at timestamp, display_name varchar);
CREATE TABLE statuses_tags (status_id bigint NOT NULL, tag_id bigint NOT NULL);
CREATE TABLE tag_follows (id bigserial PRIMARY KEY, tag_id bigint NOT NULL,
    account_id bigint NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE preview_cards (id bigserial PRIMARY KEY, url varchar NOT NULL DEFAULT '',
    title varchar NOT NULL DEFAULT '', description varchar NOT NULL DEFAULT '',
    image_file_name varchar, image_content_type varchar, image_file_size integer,
    image_updated_at timestamp, type integer NOT NULL DEFAULT 0,
    html text NOT NULL DEFAULT '', author_name varchar NOT NULL DEFAULT '',
    author_url varchar NOT NULL DEFAULT '', provider_name varchar NOT NULL DEFAULT '',
    provider_url varchar NOT NULL DEFAULT '', width integer NOT NULL DEFAULT 0,
    height integer NOT NULL DEFAULT 0, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, embed_url varchar NOT NULL DEFAULT '',
    image_storage_schema_version integer, blurhash varchar, language varchar,
    max_score float, max_score_at timestamp, trendable boolean, link_type integer,
    published_at timestamp, image_description varchar NOT NULL DEFAULT '',
    author_account_id bigint, unverified_author_account_id bigint);
CREATE TABLE preview_cards_statuses (preview_card_id bigint NOT NULL,
    status_id bigint NOT NULL, url varchar, PRIMARY KEY (status_id, preview_card_id));
CREATE TABLE polls (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    status_id bigint NOT NULL, expires_at timestamp,
    options varchar[] NOT NULL DEFAULT '{}', cached_tallies bigint[] NOT NULL DEFAULT '{}',
    multiple boolean NOT NULL DEFAULT false, hide_totals boolean NOT NULL DEFAULT false,
    votes_count bigint NOT NULL DEFAULT 0, last_fetched_at timestamp,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    lock_version integer NOT NULL DEFAULT 0, voters_count bigint);
CREATE TABLE poll_votes (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    poll_id bigint NOT NULL, choice integer NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL, uri varchar);
CREATE TABLE custom_emojis (id bigserial PRIMARY KEY,
    shortcode varchar NOT NULL DEFAULT '', domain varchar, image_file_name varchar,
    image_content_type varchar, image_file_size integer, image_updated_at timestamp,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    disabled boolean NOT NULL DEFAULT false, uri varchar, image_remote_url varchar,
    visible_in_picker boolean NOT NULL DEFAULT true, category_id bigint,
    image_storage_schema_version integer);
CREATE TABLE domain_blocks (id bigserial PRIMARY KEY, domain varchar NOT NULL DEFAULT '',
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    severity integer DEFAULT 0, reject_media boolean NOT NULL DEFAULT false,
    reject_reports boolean NOT NULL DEFAULT false, private_comment text,
    public_comment text, obfuscate boolean NOT NULL DEFAULT false);
CREATE TABLE ip_blocks (id bigserial PRIMARY KEY, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, expires_at timestamp,
    ip inet NOT NULL DEFAULT '0.0.0.0', severity integer NOT NULL DEFAULT 0,
    comment text NOT NULL DEFAULT '');
CREATE TABLE canonical_email_blocks (id bigserial PRIMARY KEY,
    canonical_email_hash varchar NOT NULL DEFAULT '', reference_account_id bigint,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE reports (id bigserial PRIMARY KEY, status_ids bigint[] NOT NULL DEFAULT '{}',
    comment text NOT NULL DEFAULT '', created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, account_id bigint NOT NULL,
    action_taken_by_account_id bigint, target_account_id bigint NOT NULL,
    assigned_account_id bigint, uri varchar, forwarded boolean,
    category integer NOT NULL DEFAULT 0, action_taken_at timestamp, rule_ids bigint[]);
CREATE TABLE account_deletion_requests (id bigserial PRIMARY KEY, account_id bigint,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE tombstones (id bigserial PRIMARY KEY, account_id bigint,
    uri varchar NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, by_moderator boolean);
CREATE TABLE scheduled_statuses (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    scheduled_at timestamp, params jsonb);
CREATE TABLE backups (id bigserial PRIMARY KEY, user_id bigint, dump_file_name varchar,
    dump_content_type varchar, dump_updated_at timestamp,
    processed boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, dump_file_size bigint);

-- Small tables that reach out into the world, or hold what must not leave.
CREATE TABLE relays (id bigserial PRIMARY KEY, inbox_url varchar NOT NULL DEFAULT '',
    follow_activity_id varchar, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL, state integer NOT NULL DEFAULT 0);
CREATE TABLE unavailable_domains (id bigserial PRIMARY KEY,
    domain varchar NOT NULL DEFAULT '' UNIQUE, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE domain_allows (id bigserial PRIMARY KEY,
    domain varchar NOT NULL DEFAULT '' UNIQUE, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE email_subscriptions (id bigserial PRIMARY KEY, account_id bigint NOT NULL,
    email varchar NOT NULL, locale varchar NOT NULL DEFAULT 'en',
    confirmation_token varchar UNIQUE, confirmed_at timestamp,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE announcements (id bigserial PRIMARY KEY, text text NOT NULL DEFAULT '',
    published boolean NOT NULL DEFAULT false, all_day boolean NOT NULL DEFAULT false,
    scheduled_at timestamp, starts_at timestamp, ends_at timestamp,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    published_at timestamp, status_ids bigint[], notification_sent_at timestamp);
CREATE TABLE account_statuses_cleanup_policies (id bigserial PRIMARY KEY,
    account_id bigint NOT NULL, enabled boolean NOT NULL DEFAULT true,
    min_status_age integer NOT NULL DEFAULT 1209600, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE bulk_imports (id bigserial PRIMARY KEY, type integer NOT NULL,
    state integer NOT NULL, total_items integer NOT NULL DEFAULT 0,
    original_filename varchar NOT NULL DEFAULT '', account_id bigint NOT NULL,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE bulk_import_rows (id bigserial PRIMARY KEY,
    bulk_import_id bigint NOT NULL REFERENCES bulk_imports ON DELETE CASCADE, data jsonb,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE fasp_providers (id bigserial PRIMARY KEY,
    confirmed boolean NOT NULL DEFAULT false, name varchar NOT NULL,
    base_url varchar NOT NULL UNIQUE, sign_in_url varchar, remote_identifier varchar NOT NULL,
    provider_public_key_pem varchar NOT NULL, server_private_key_pem varchar NOT NULL,
    capabilities jsonb NOT NULL DEFAULT '[]', created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
CREATE TABLE fasp_subscriptions (id bigserial PRIMARY KEY, category varchar NOT NULL,
    subscription_type varchar NOT NULL, max_batch_size integer NOT NULL,
    fasp_provider_id bigint NOT NULL REFERENCES fasp_providers,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE fasp_backfill_requests (id bigserial PRIMARY KEY, category varchar NOT NULL,
    max_count integer NOT NULL DEFAULT 100, cursor varchar,
    fulfilled boolean NOT NULL DEFAULT false,
    fasp_provider_id bigint NOT NULL REFERENCES fasp_providers,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE fasp_debug_callbacks (id bigserial PRIMARY KEY,
    fasp_provider_id bigint NOT NULL REFERENCES fasp_providers, ip varchar NOT NULL,
    request_body text NOT NULL, created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL);
