-- For pgbench: moves an amount, uses up values of both sequences, and logs.
\set from random(1, 1000)
\set to random(1, 1000)
\set amount random(1, 50)
BEGIN;
UPDATE ledger_a SET amount = amount - :amount WHERE id = :from;
UPDATE ledger_b SET amount = amount + :amount WHERE id = :to;
INSERT INTO ledger_log (orphan, moved) VALUES (nextval('orphan_seq'), :amount);
COMMIT;
