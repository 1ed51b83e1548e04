# Archive, standby, promotion and point-in-time recovery with an archive by ssh.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use RsyncArchive;
use Scenario;

run_scenario(archive => RsyncArchive->new('archive', 'ssh'));
