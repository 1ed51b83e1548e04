# One archive in a directory and one in a bucket, behind one name.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use File::Basename qw(basename);
use S3Test;

my $gateway = CephGateway->start;
my $bucket  = $gateway->bucket('wal');
my $server  = data_directory('server');
my $place   = scratch('place');
my $endpoint = $gateway->endpoint;
act_as($gateway);
delete $ENV{AWS_ENDPOINT_URL};

# The bucket's settings are in its own section alone.
$ENV{WALTOOLS_CONFIG} = spew(scratch() . '/waltools.conf', <<"EOT");
[main]
archive = far
archive = $place
timeout = 10s
[far]
archive = s3://$bucket/main
s3-endpoint = $endpoint
compress = lz4
EOT
my $far = 'far';

my $file = next_segment($server);
succeeds('a push to both', 'walpush', 'main', $file);
is(fetched($place, $file), '', '... it is in the directory');
is(fetched($far, $file), '', '... and in the bucket');
is(join(' ', grep { !/\.waltools/ } $gateway->objects($bucket, 'main/')), 'main/' . basename($file) . '.lz4', '... by its own settings');
is(fetched('main', $file), '', 'it comes back');

$gateway->kill;
my $second = next_segment($server);
my $run = run('walpush', '--timeout=2s', 'main', $second);
is($run->{code}, 3, 'the bucket is away');
like($run->{err}, qr{\Awalpush: error: s3://$bucket/main: [^\n]+\n\z}, '... which is told');
is(fetched($place, $second), '', '... the directory has it');
$run = run('walfetch', '--timeout=2s', 'main', basename($second), scratch() . '/out');
is($run->{code}, 0, 'and it comes from there');
like($run->{err}, qr{\Awalfetch: warning: s3://$bucket/main[^\n]+from \Q$place\E\n\z}, '... it says so') or diag($run->{err});
is(run('walfetch', '--timeout=2s', 'main', segment_name(number => 4000), scratch() . '/out')->{code}, 3, 'absence is not proved');
$run = run('walpush', '--timeout=2s', '--require=any', 'main', next_segment($server));
is($run->{code}, 0, 'one is enough, if told so');

$gateway->restart;
$run = run('walpush', '--repair', '-v', 'main');
is($run->{code}, 0, 'it is back, and repaired from the directory') or diag($run->{err});
is(scalar(() = $run->{err} =~ /^walpush: copied \S+ from \Q$place\E to s3:/mg), 2, '... gets what it lacked');
is(fetched($far, $second), '', '... whole');
is(run('walfetch', 'main', segment_name(number => 4000), scratch() . '/out')->{code}, 1, 'what is absent in both is absent');

$gateway->suspend;
$run = run('walfetch', 'main', basename($file), scratch() . '/out');
is($run->{code}, 0, 'the bucket does not answer') or diag($run->{err});
like($run->{err}, qr/has not answered for|did not answer a moment ago/, '... and is not waited for');
in_time($run, 8);
$gateway->resume;

$gateway->delete($bucket, 'main/' . basename($file) . '.lz4');
succeeds('walclean of both', 'walclean', 'main', basename($second));
is(fetched($place, $second), '', '... leaves what it should');

done_testing;
