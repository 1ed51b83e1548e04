# What a list of a bucket tells: sizes, times, directories; in how many requests.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use StorageListTest;
use S3Test;
use SwiftServer;

my $files = files();

for my $server (CephGateway->start, SwiftServer->start)
{
	my $kind   = ref $server;
	my $bucket = $server->bucket('wal');
	my $from   = time;
	act_as($server);
	$server->put($bucket, "list/$_", 'x' x $files->{$_}) for sort keys %$files;
	$server->put($bucket, 'lis/other', ''), $server->put($bucket, 'list2/other', '');
	lists_files($kind, $from - 1, time + 1, "s3://$bucket/list");
}

# ---- what a server may say

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
act_as($gateway, endpoint => $proxy->endpoint);
$ENV{WALTOOLS_TIMEOUT} = '2s';

sub page
{
	my ($elements, $next) = @_;
	return '<ListBucketResult><Prefix>a/</Prefix><IsTruncated>' . ($next ? "true</IsTruncated><NextContinuationToken>$next</NextContinuationToken>" : 'false</IsTruncated>')
	  . "$elements</ListBucketResult>";
}

sub object
{
	my ($name, $size, $time) = @_;
	return "<Contents><LastModified>$time</LastModified><Size>$size</Size><Key>a/$name</Key></Contents>";
}

sub directory { return "<CommonPrefixes><Prefix>a/$_[0]/</Prefix></CommonPrefixes>" }

sub answers
{
	my (@pages) = @_;
	$proxy->clear;
	$proxy->fault('answer', method => 'GET', body => $_, times => 1) for @pages;
	return run(program('storagelist'), "s3://$bucket/a", 'ds');
}

my $run = answers(page(object('x', 5, '2026-11-24T01:56:36.123Z'), 'more'), page(directory('d-') . directory('d'), 'still'),
	page(directory('d') . object('y', 12345678901, '1970-01-01T00:00:00.000Z') . directory('e')));
is($run->{out}, "f 5 1795485396 x\nd 0 0 d-\nd 0 0 d\nf 12345678901 0 y\nd 0 0 e\n", 'a list over pages, one of them of directories alone')
  or diag($run->{err}, requests_told($proxy));
$run = answers(map({ page(directory("d$_"), "t$_") } 1000 .. 1149), page(''));
is(scalar(lines($run->{out})), 150, 'many pages of directories alone') or diag($run->{err});

for my $case (
	[ 'directories that are not in order', page(directory('e') . directory('d')) ],
	[ 'a directory that was not asked for', page('<CommonPrefixes><Prefix>b/d/</Prefix></CommonPrefixes>') ],
	[ 'a directory without a name',         page('<CommonPrefixes><Prefix>a/d</Prefix></CommonPrefixes>') ],
	[ 'a size that is none',                page(object('x', 'big', '2026-11-24T01:56:36.123Z')) ],
	[ 'an object without a key',            page('<Contents><Size>1</Size></Contents>') ],
  )
{
	my ($what, @pages) = @$case;
	my $failed = answers(@pages);
	is(join(', ', one_error($failed, 'storagelist', 3, qr/can't be trusted/)), '', $what) or diag($failed->{err}, $failed->{out});
}
$run = answers(map({ page(directory('d'), "t$_") } 1 .. 200), page(''));
is(join(', ', one_error($run, 'storagelist', 3, qr/no end/)), '', 'the same directory for ever');

# ---- how many requests

{
	my @names = map { sprintf '%05d', $_ } 1 .. 2100;
	$proxy->clear;
	my @children = map {
		my $part = $_;
		my $pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			my $client = $gateway->client;
			$client->put($bucket, "many/$names[$_]", '') for grep { $_ % 4 == $part } 0 .. $#names;
			POSIX::_exit(0);
		}
		$pid;
	} 0 .. 3;
	waitpid($_, 0), $? && die 'objects could not be put' for @children;
	is(scalar(my @listed = listed("s3://$bucket/many", 'd')), 2100, '2,100 objects');
	is($proxy->request_count('GET'), 3, '... in three requests') or diag(requests_told($proxy));
	$proxy->clear;
	is(scalar(@listed = listed("s3://$bucket/many", '-1')), 1, 'one of them');
	unlike(requests_told($proxy), qr/max-keys=1000/, '... with a small page');
}

done_testing;
