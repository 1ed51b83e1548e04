# An archive at an rsync daemon that fails must not end a recovery.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use RsyncArchive;
use SilentEnd;

test_silent_end(15, archive => RsyncArchive->new('archive', 'daemon'));
