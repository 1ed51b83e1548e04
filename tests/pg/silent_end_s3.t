# An archive in a bucket that fails must not end a recovery.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use BucketArchive;
use SilentEnd;

test_silent_end(15, archive => BucketArchive->new('archive'));
