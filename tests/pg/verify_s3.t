# walverify over what real servers have archived, in a bucket.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use BucketArchive;
use VerifyScenario;

VerifyScenario->new(archive => BucketArchive->new('archive'))->everything;
