# Who may do what, by the policies that README gives: a primary that can push but not remove, a standby that can only read, a cleaner
# that can not write. With less than that nothing is taken for absent.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use File::Basename qw(basename);
use JSON::PP ();
use S3Test;

# Removing several versions beside each other brings Ceph 16 down.
my $gateway = CephGateway->start(settings => { rgw_multi_obj_del_max_aio => 1 });
my $bucket  = $gateway->bucket('example-wal');
my $archive = "s3://$bucket/main";
my $server  = data_directory('server');
my $pitr    = recovering('pitr');
my %user    = map { $_ => $gateway->create_user("wal-$_") } qw(primary standby cleaner blind stranger);

my @policies = slurp(repository() . '/README.md') =~ /^```json\n(.*?)^```$/msg;
my @read     = map { eval { JSON::PP::decode_json($_) } } @policies;
is(scalar @read, scalar @policies, 'the policies in README are JSON');
my ($policy) = grep { $_->{Statement}[0]{Principal} } @read;
ok($policy, 'one of them is that of a bucket in Ceph') or BAIL_OUT('no policy');
push @{ $policy->{Statement} }, {
	Effect    => 'Allow',
	Principal => { AWS => 'arn:aws:iam:::user/wal-blind' },
	Action    => 's3:GetObject',
	Resource  => "arn:aws:s3:::$bucket/main/*",
};
$gateway->client->configure($bucket, 'policy', JSON::PP::encode_json($policy));

# ---- the primary

my ($first, $second, $third) = map { next_segment($server) } 1 .. 3;
act_as($user{primary});
succeeds('the primary pushes', 'walpush', $archive, $first, $second, $third);
succeeds('... again',          'walpush', $archive, $second);
succeeds('... a history file', 'walpush', $archive, put($server, '00000002.history', history_text()));
refuses('... other content is refused', { code => 4 }, 'walpush', $archive,
	put_segment(data_directory('server2'), number => hex(substr basename($second), 16), seed => 2));
{
	my $large = next_segment($server, size => 16 * MB);
	my $run = run('walpush', '--compress=none', '--s3-part-size=5MiB', "s3://$bucket/main/large", $large);
	is($run->{code}, 0, '... in parts') or diag($run->{err});
	is(join(' ', $gateway->uploads($bucket)), '', '... of which none is left');
}
stays { my $run = run('walclean', $archive, segment_name(number => 9999)); isnt($run->{code}, 0, '... but does not remove') or diag($run->{err}); $run }
  $user{primary}, $bucket;
my $run = run('walpush', '--timeout=1s', "s3://$bucket/elsewhere", $first);
is($run->{code}, 3, '... nor push elsewhere') or diag($run->{err});
like($run->{err}, qr/403 AccessDenied/, '... as it is told');

# ---- the standby

act_as($user{standby});
is(fetched($archive, $_), '', 'the standby fetches') for $first, $third;
my $absent = segment_name(number => 9998);
is(run('walfetch', $archive, $absent, '-')->{code}, 1, '... and can prove an absence');
is(run({ cwd => $pitr }, 'walfetch', $archive, $absent, 'pg_wal/RECOVERYXLOG')->{code}, 1, '... also for a recovery');
stays { refuses('... but does not push', { code => 3 }, 'walpush', '--timeout=1s', $archive, next_segment($server)) } $user{primary}, $bucket;
stays { refuses('... nor init',          { code => 3, cwd => $server }, 'walpush', '--timeout=1s', '--init', "s3://$bucket/main/new") } $user{primary}, $bucket;
stays { my $clean = run('walclean', $archive, segment_name(number => 9999)); isnt($clean->{code}, 0, '... nor remove'); $clean } $user{primary}, $bucket;

# ---- without the right to list, a server tells nobody what is absent

act_as($user{blind});
is(fetched($archive, $first), '', 'who may only read objects fetches');
is(run('walfetch', '--timeout=1s', $archive, $absent, '-')->{code}, 3, '... but proves no absence');
is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', $archive, $absent, 'pg_wal/RECOVERYXLOG')->{code}, 254, '... and stops a recovery');

# ---- nobody

act_as($user{stranger});
for my $name (basename($first), $absent)
{
	refuses('a stranger does not fetch', { code => 3, like => qr/403 AccessDenied/ }, 'walfetch', '--timeout=1s', $archive, $name, scratch() . '/fetched');
	is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', $archive, $name, 'pg_wal/RECOVERYXLOG')->{code}, 254, '... and stops a recovery');
}
stays { refuses('... nor push', { code => 3 }, 'walpush', '--timeout=1s', '--cache=none', $archive, $first) } $user{primary}, $bucket;
stays { refuses('... nor clean', { code => 3 }, 'walclean', '--timeout=1s', $archive, segment_name(number => 9999)) } $user{primary}, $bucket;

# ---- the cleaner

act_as($user{cleaner});
stays { refuses('the cleaner does not push', { code => 3 }, 'walpush', '--timeout=1s', '--cache=none', $archive, next_segment($server)) } $user{primary}, $bucket;
succeeds('... but removes', 'walclean', $archive, basename($third));
is(join(' ', map { basename($_, '.zst') } grep { m{^main/0} } $gateway->objects($bucket)), basename($third) . ' 00000002.history', '... what is older');
$gateway->put($bucket, 'elsewhere/' . basename($first), '');
isnt(run('walclean', '--timeout=1s', "s3://$bucket/elsewhere", basename($third))->{code}, 0, '... but nothing elsewhere');
ok(defined $gateway->head($bucket, 'elsewhere/' . basename($first)), '... which is there');

done_testing;
