#!/usr/bin/perl
# wallist, walverify --quick and walclean -n of a bucket with 300,000 names: memory that does not grow with them, processor time in
# proportion.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use JSON::PP ();
use S3Test;

use constant { FEW => 100_000, MANY => 300_000, LIMIT_KB => 64 * 1024 };

my $gateway = CephGateway->start(settings => { rgw_override_bucket_index_max_shards => 1 });
my $bucket  = $gateway->bucket('large');
my $server  = data_directory('server');
my @first   = map { put_segment($server, number => $_) } 0, 1;
act_as($gateway);

sub name { my ($number) = @_; return sprintf '00000001%08X%08X', $number >> 12, $number & 0xFFF }    # segments of 1 MB

# The first two are real ones; of each thousand one is missing.
sub fill
{
	my ($prefix, $count) = @_;
	succeeds("$prefix: the first", 'walpush', "s3://$bucket/$prefix", @first);
	$gateway->list_more($bucket, "$prefix/" . name(1) . '.zst', map { "$prefix/" . name($_) . '.zst' } grep { $_ % 1000 != 999 } 2 .. $count - 1);
	return "s3://$bucket/$prefix";
}

my %archive = (few => fill('few', FEW), many => fill('many', MANY));
my %command = (
	wallist   => [ 0, '299700 segments, 299 gaps', sub { 'wallist', '--json', @_ } ],
	walverify => [ 1, '299 gaps',                  sub { 'walverify', '--quick', @_ } ],
	walclean  => [ 0, '149850 would go',           sub { 'walclean', '-n', @_, name(150_000) } ],
);
my %told = (
	wallist => sub { my $found = JSON::PP::decode_json($_[0]); "$found->{totals}{segments} segments, " . @{ $found->{gaps} } . ' gaps' },
	walverify => sub { $_[0] =~ /^not whole: (299 gaps), of 299 segments/m && $1 },
	walclean  => sub { my $lines = () = $_[0] =~ m{^s3://}mg; "$lines would go" },
);
for my $name (sort keys %command)
{
	my ($code, $all, $of) = @{ $command{$name} };
	my $run = run({ timeout => 300 }, $of->($archive{many}));
	is($run->{code}, $code, "$name: 300,000 names") or diag($run->{err});
	is($told{$name}->($run->{out}), $all, '... all are seen');
	my %seconds;
	for my $size (sort keys %archive)
	{
		my $before = children_seconds();
		my ($kb) = peak_kb({ timeout => 300 }, $of->($archive{$size}));
		$seconds{$size} = children_seconds() - $before;
		cmp_ok($kb, '<', LIMIT_KB, "... in less than 64 MiB: $size") if defined $kb;
		note("$name, $size: $kb KiB, $seconds{$size} s");
	}
	cmp_ok($seconds{many} / $seconds{few}, '<', 5, '... in proportion to their number') or diag("$seconds{few} s, $seconds{many} s");
}

done_testing;
