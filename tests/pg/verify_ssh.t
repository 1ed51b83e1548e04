# walverify over what real servers have archived, by ssh.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use RsyncArchive;
use VerifyScenario;

VerifyScenario->new(archive => RsyncArchive->new('archive', 'ssh'))->everything;
