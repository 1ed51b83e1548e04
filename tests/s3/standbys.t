# walclean --standby and --keep-backups in a bucket: what each needs stays, in few requests; no record that can't be read is passed over.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $server  = data_directory('server');
my $archive = "s3://$bucket/main";
act_as($gateway, endpoint => $proxy->endpoint);
$ENV{WALTOOLS_TIMEOUT} = '2s';

sub name { return segment_name(number => $_[0]) }
sub left { return join ' ', map { m{^main/\w{16}(\w{8})} ? hex $1 : () } $gateway->objects($bucket, 'main/0') }
sub records { return map { s{.*/standby/}{}r } $gateway->objects($bucket, 'main/.waltools/standby/') }

run('walpush', $archive, map { put_segment($server, number => $_) } 1 .. 9);
is(left(), join(' ', 1 .. 9), 'an archive');

# ---- standbys

$proxy->clear;
succeeds('no standby is recorded', { out => '' }, 'walclean', $archive, name(1));
is(scalar(my @lists = grep { $_->{path} =~ /standby/ } $proxy->requests('GET')), 1, '... which one request tells') or diag(requests_told($proxy));
succeeds('one standby', { out => '' }, 'walclean', '--standby=a', $archive, name(3));
succeeds('another',     { out => '' }, 'walclean', '--standby=b', $archive, name(4));
is(left(), join(' ', 3 .. 9), '... what the first needs is there');
$proxy->clear;
succeeds('the first goes on', { out => '' }, 'walclean', '--standby=a', $archive, name(7));
cmp_ok($proxy->request_count, '<=', 16, '... in few requests') or diag(requests_told($proxy));
is(left(), join(' ', 4 .. 9), '... up to what the other needs');
is(join(' ', map { s{/.*}{}r } records()), 'a b', '... with one record each');

for my $case (
	[ 'the list of standbys is refused', 'answer', path => 'standby', method => 'GET', status => 403, code => 'AccessDenied' ],
	[ 'a record is refused',             'answer', path => 'standby%?2?F?/?b/', method => 'GET', status => 503, code => 'SlowDown' ],
	[ 'a record does not go in',         'answer', path => 'standby', method => 'PUT', status => 403, code => 'AccessDenied' ],
  )
{
	my ($what, $fault, @how) = @$case;
	$proxy->fault($fault, @how);
	refuses($what, { code => 3 }, 'walclean', '--standby=a', $archive, name(8));
	is(left(), join(' ', 4 .. 9), '... nothing is removed');
	$proxy->clear;
}
$proxy->fault('answer', method => $_, status => 403, code => 'AccessDenied', path => 'standby') for 'DELETE';
$proxy->fault('answer', method => 'POST', status => 403, code => 'AccessDenied', times => 1);
my $run = run('walclean', '--standby=a', $archive, name(8));
$proxy->clear;
succeeds('older records that could not be removed', { out => '' }, 'walclean', '--standby=a', $archive, name(8));
is(join(' ', map { s{/.*}{}r } records()), 'a b', '... are, by the next one');
succeeds('forgetting', { out => '' }, 'walclean', '--forget-standby=b', $archive);
succeeds('then', { out => '' }, 'walclean', '--standby=a', $archive, name(8));
is(left(), '8 9', '... it keeps nothing');

# ---- base backups

run('walpush', $archive, map { put_segment($server, number => $_) } 10 .. 30);
run('walpush', $archive, put($server, backup_name(number => $_), backup_text(number => $_))) for 12, 20, 28;
run('walclean', '--forget-standby=a', $archive);
$proxy->clear;
succeeds('base backups', { out => '' }, 'walclean', '--keep-backups=2', $archive);
is(left(), join(' ', 20, 20 .. 28, 28 .. 30), '... the two newest and their WAL are there');
cmp_ok($proxy->request_count, '<=', 14, '... in few requests') or diag(requests_told($proxy));
like(run('walclean', '-n', '--keep-size=1', $archive)->{out}, qr/^Older than 000000000000001C: 8 segments, 1 backup history file \(\d/m, 'a dry run by size');
$proxy->fault('answer', path => name(28) . '.00000028', method => 'GET', status => 503, code => 'SlowDown');
refuses('a backup history file that is out of reach', { code => 3 }, 'walclean', '--keep-backups=1', $archive);

done_testing;
