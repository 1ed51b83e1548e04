# walverify --quick while WAL is removed: what is seen of it in part is no gap.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;
use WalRace;

can_trace() or plan skip_all => 'strace can not trace here';

my $archive = make_archive('archive', { 1 => [ 1 .. 20 ] });
sub name { return segment_name(number => $_[0]) }

# When segment 5 is looked at, among the calls of the process that does it.
my @calls = grep { $_->{name} eq 'newfstatat' } @{ traced('newfstatat', 'walverify', '--quick', $archive)->{calls} };
my ($fifth) = grep { $_->{arguments} =~ /"@{[ name(5) ]}"/ } @calls or die 'segments are not looked at one by one';
my @own = grep { $_->{pid} == $fifth->{pid} } @calls;
my ($at) = grep { $own[ $_ - 1 ] == $fifth } 1 .. @own;

spew("$archive/" . name(11), segment(number => 11));    # tells the segments' size when those before it are gone
my $stopped = stopped_at("newfstatat:$at", 'walverify', '--quick', $archive);
unlink map { "$archive/" . name($_) } 1 .. 10;
my $run = $stopped->go_on;
is($run->{code}, 0, 'what was removed meanwhile is not missing') or diag($run->{out}, $run->{err});
like($run->{out}, qr/^10 segments of 1 timeline/m, 'the rest is told as it is');

unlink "$archive/" . name(19);
is(verify('--quick', $archive)->{code}, 1, 'a gap that stays is told');
done_testing();
