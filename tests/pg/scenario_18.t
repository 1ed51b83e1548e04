# Archive, standby, promotion and point-in-time recovery with PostgreSQL 18.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 18;
use Scenario;

run_scenario();
