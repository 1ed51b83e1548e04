# Archive, standby, promotion and point-in-time recovery with PostgreSQL 10.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 10;
use Scenario;

run_scenario();
