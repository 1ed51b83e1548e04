# walverify --quick while WAL is removed: what is seen of it in part is no gap.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;
use WalRace;

use constant { MANY => 3000, REMOVED => 2000 };

can_trace() or plan skip_all => 'strace can not trace here';

my $archive = make_archive('archive', { 1 => [ 1 .. MANY ] });
sub file { return "$archive/" . segment_name(number => $_[0]) }

# The last time that the directory is read; and before the end of it.
my $calls = traced('getdents64', 'walverify', '--quick', $archive)->{calls};
my $last  = grep { $_->{name} eq 'getdents64' } @$calls;
cmp_ok($last, '>', 4, 'the directory is read in several parts');

# The last of those that stay takes the place of the first, which tells the segments' size.
spew(file(REMOVED + 1), segment(number => REMOVED + 1));
my $stopped = stopped_at('getdents64:' . ($last - 2), 'walverify', '--quick', $archive);
unlink map { file($_) } 1 .. REMOVED;
my $run = $stopped->go_on;
is($run->{code}, 0, 'what was removed meanwhile is not missing') or diag($run->{out}, $run->{err});
like($run->{out}, qr/^1,000 segments of 1 timeline/m, 'the rest is told as it is');

unlink file(MANY - 1);
is(verify('--quick', $archive)->{code}, 1, 'a gap that stays is told');
done_testing();
