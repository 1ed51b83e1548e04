# walverify --quick of an archive with 300,000 names: in bounded memory, and in linear processor time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;

use constant { MANY => 300_000, LIMIT_KB => 64 * 1024 };

my $archive = scratch('archive');
my $began   = 1;
my %seconds;
for my $count (MANY / 4, MANY)
{
	fill($began, $count);
	$began = $count + 1;
	my $before = children_seconds();
	my ($peak, $code, $err) = peak_kb('walverify', '--quick', $archive);
	$seconds{$count} = children_seconds() - $before;
	plan skip_all => 'peak memory is not known here' unless defined $peak;
	is($code, 0, "$count names: whole") or diag($err);
	cmp_ok($peak, '<', LIMIT_KB, "$count names: $peak KiB");
}
note sprintf '%.2f s and %.2f s', @seconds{ MANY / 4, MANY };
cmp_ok($seconds{ +MANY }, '<', 2 * 4 * $seconds{ MANY / 4 }, 'four times as many take about four times as long');
done_testing();

# Links to one file: of the first segment the content is read, of the others the name.
sub fill
{
	my ($first, $last) = @_;
	my $segment = "$archive/" . segment_name(number => 1);
	spew($segment, segment(number => 1)) unless -e $segment;
	my $other = scratch('other') . '/file';
	for my $number (($first > 1 ? $first : 2) .. $last)
	{
		spew($other . ($number >> 14), '') if ($number & 0x3fff) == 0 || $number == $first || $number == 2;
		link $other . ($number >> 14), "$archive/" . segment_name(number => $number) or die $!;
	}
	return;
}
