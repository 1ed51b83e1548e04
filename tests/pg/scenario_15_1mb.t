# Archive, standby, promotion and point-in-time recovery with segments of 1 MB.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Scenario;

run_scenario(segment_mb => 1);
