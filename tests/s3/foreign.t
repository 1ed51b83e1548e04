# Other tools' archives in a bucket: read in place, in few requests; for an archive of ours nothing more is asked.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use ForeignArchive;
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $server  = data_directory('server');
act_as($gateway, endpoint => $proxy->endpoint);

my %wanted = map { $_ => 1 } "pgBackRest, 'zst'", "barman-cloud, 'gz'", "WAL-G, 'lz4'";
my @some   = (segment_name(number => 4096), segment_name(number => 4097) . '.partial', '00000002.history');
my $number = 0;

for my $archive (grep { $wanted{ $_->{title} } } foreign_archives())
{
	my $prefix = 'p' . ++$number;
	my $files  = $archive->{files}->();
	$gateway->put($bucket, "$prefix/$_", $files->{$_}) for sort keys %$files;
	my ($first, @below) = map { "s3://$bucket/$prefix" . ($_ eq '' ? '' : $_ eq '/' ? '/' : "/$_") } @{ $archive->{locations} };
	reads_archive("$archive->{title}, at $first", $server, $first);
	reads_some("... at $_", $server, [ $some[0] ], $_) for @below;
	$proxy->clear;
	succeeds('a segment, from the deepest of them', { cwd => $server }, 'walfetch', $below[-1] // $first, $some[0], 'pg_wal/RECOVERYXLOG');
	cmp_ok($proxy->request_count, '<=', 7, '... in few requests') or diag(requests_told($proxy));
	my $before = contents($gateway, $bucket, $prefix);
	refuses('no push', { code => 4, cwd => $server, like => qr/\Q$archive->{tool}\E, which is only read here/ }, 'walpush', $first,
		put_segment($server, number => 4098, timeline => 2));
	refuses('no cleaning', { code => 4, cwd => $server, like => qr/\Q$archive->{tool}\E, which is only read here/ }, 'walclean', $first, $some[0]);
	is(contents($gateway, $bucket, $prefix), $before, '... and nothing has changed');
}

# ---- ours

{
	my $archive = "s3://$bucket/ours";
	succeeds('an archive of ours', 'walpush', $archive, map { put_segment($server, number => $_) } 1, 2);
	for my $case (
		[ 'in the usual coding', 1, 0, $archive, segment_name(number => 1) ],
		[ 'in another',          3, 0, '--compress=lz4', $archive, segment_name(number => 1) ],
		[ 'absent',              5, 1, $archive, segment_name(number => 3) ],
	  )
	{
		my ($what, $requests, $code, @arguments) = @$case;
		$proxy->clear;
		my $run = run({ cwd => $server }, 'walfetch', @arguments, 'pg_wal/RECOVERYXLOG');
		is($run->{code}, $code, "a segment of ours, $what") or diag($run->{err});
		cmp_ok($proxy->request_count, '<=', $requests, "... in $requests requests") or diag(requests_told($proxy));
	}
}
done_testing;
