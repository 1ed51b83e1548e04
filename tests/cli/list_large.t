#!/usr/bin/perl
# wallist and a directory of 300,000 names: memory that does not grow with them, processor time in proportion.
use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use ListTest;

# Names of one file: made by links where a file may have so many, else as empty files.
sub many
{
	my ($name, $count) = @_;
	my $archive = made_archive($name, [ segment_name(number => 0), 0, segment(number => 0, end => 'switch') ],
		[ backup_name(number => 7), 600, backup_text(number => 7) ]);
	my $one = spew(scratch() . "/one_of_$name", 'x' x 100);
	for my $number (1 .. $count)
	{
		next if $number % 1000 == 999;
		my $path = sprintf '%s/00000001%08X%08X.zst', $archive, $number >> 12, $number & 0xFFF;    # segments of 1 MB
		next if link $one, $path;
		$one = $path;
		spew($path, 'x' x 100);
	}
	return $archive;
}

sub seconds
{
	my (@command) = @_;
	my $before = children_seconds();
	run(@command);
	return children_seconds() - $before;
}

my $small = many('small', 100_000);
my $large = many('large', 300_000);

is(listed($large)->{totals}{segments}, 300_001 - 300, 'all are counted');
is(scalar @{ listed($large)->{gaps} }, 300, '... and all gaps are found');

SKIP:
{
	my %mode = (summary => ['--json'], long => ['-l'], lsn => ['--lsn=0/5000000']);
	my ($probe) = peak_kb('wallist', '--json', $small) or skip 'peak memory is not known here', 2 * keys %mode;
	for my $mode (sort keys %mode)
	{
		my ($kb, $code) = peak_kb('wallist', @{ $mode{$mode} }, $large);
		is($code, 0, "$mode of 300,000 names");
		cmp_ok($kb, '<', 64 * 1024, '... in less than 64 MiB') or diag("$kb KiB");
		note("$mode: $kb KiB");
	}
}

{
	my ($few, $many) = map { seconds('wallist', $_) } $small, $large;
	cmp_ok($many / $few, '<', 5, 'three times the names take about three times as long') or diag("$few s, $many s");
	note(sprintf '%.2f s, %.2f s', $few, $many);
}

done_testing;
