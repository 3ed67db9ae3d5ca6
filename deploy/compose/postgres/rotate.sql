-- Makes the published password the role's. psql reads it from the file, so that it is in no argument; the two settings
-- keep the statement out of the server's log, whatever is logged there.
\set password `cat /run/db/password`
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
ALTER ROLE app PASSWORD :'password';
