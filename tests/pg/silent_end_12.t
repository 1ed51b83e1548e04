# An archive that fails must not end a recovery: PostgreSQL 12.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 12;
use SilentEnd;

test_silent_end(12);
