-- One day's updates and deletions; :seed says which rows it hits.

CREATE FUNCTION pg_temp.hit(id bigint, what text, percent int) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(what || id), 1, 4))::bit(16)::int % 100 < percent
$$;

BEGIN;
UPDATE account_stats SET statuses_count = statuses_count + 1 + id % 3,
    followers_count = followers_count + id % 2, updated_at = updated_at + interval '1 day',
    last_status_at = updated_at + interval '1 day'
    WHERE pg_temp.hit(id, :'seed' || 'a', 5);
UPDATE status_stats SET favourites_count = favourites_count + 1 + id % 4,
    reblogs_count = reblogs_count + id % 2, updated_at = updated_at + interval '1 day'
    WHERE pg_temp.hit(id, :'seed' || 'b', 2);
UPDATE accounts SET updated_at = updated_at + interval '1 day',
    last_webfingered_at = last_webfingered_at + interval '1 day'
    WHERE pg_temp.hit(id, :'seed' || 'c', 1);
UPDATE notifications SET updated_at = updated_at + interval '1 day', filtered = true
    WHERE pg_temp.hit(id, :'seed' || 'd', 1);
UPDATE users SET last_sign_in_at = current_sign_in_at, sign_in_count = sign_in_count + 1,
    current_sign_in_at = current_sign_in_at + interval '1 day'
    WHERE pg_temp.hit(id, :'seed' || 'e', 30);
DELETE FROM favourites WHERE pg_temp.hit(id, :'seed' || 'f', 1) AND id % 4 = 0;
DELETE FROM session_activations WHERE pg_temp.hit(id, :'seed' || 'g', 2);
DELETE FROM tombstones WHERE pg_temp.hit(id, :'seed' || 'h', 1);
COMMIT;
REFRESH MATERIALIZED VIEW instances;
