# An archive that fails must not end a recovery: PostgreSQL 18.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 18;
use SilentEnd;

test_silent_end(18);
