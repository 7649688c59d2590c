DROP TABLE idempotency_answers;
