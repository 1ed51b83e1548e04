# An archive that fails must not end a recovery: PostgreSQL 10.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 10;
use SilentEnd;

test_silent_end(10);
