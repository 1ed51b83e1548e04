# The same archive on another server, stricter than Ceph: Swift refuses If-None-Match, wants digests, looks at the region.

use FindBin;
use lib "$FindBin::Bin/../lib";
use S3Test;
use SwiftServer;

plan skip_all => SwiftServer->why_not if SwiftServer->why_not;

my $swift = SwiftServer->start;
my $bucket = $swift->bucket('wal');
my $archive = "s3://$bucket/main";
act_as($swift);
my $server = data_directory('server');
my $other  = data_directory('other');

my $first = next_segment($server);
my $warned = run('walpush', $archive, $first);
is($warned->{code}, 0, 'the first push');
like($warned->{err}, qr/\Awalpush: warning: [^\n]+If-None-Match[^\n]+\n\z/, '... says in one line what can not be promised');
is(fetched($archive, $first), '', '... and it comes back');

my $file = next_segment($server);
succeeds('the next push says nothing more', 'walpush', $archive, $file);
is(fetched($archive, $file), '', '... and it comes back');
stays { succeeds('the same again', 'walpush', $archive, $file) } $swift, $bucket;

my $name = (split m{/}, $file)[-1];
my $foreign = put($other, $name, segment(number => hex substr($name, -8), seed => 9));
stays { refuses('other content under its name', { code => 4, like => qr/other content/ }, 'walpush', $archive, $foreign) } $swift, $bucket;

my $history = put($server, '00000002.history', history_text());
succeeds('a history file', 'walpush', $archive, $history);
is(fetched($archive, $history), '', '... and it comes back');

my @large = map { next_segment($server) } 1 .. 2;
succeeds('in parts', 'walpush', '--compress=none', '--s3-part-size=5MiB', $archive, $large[0]);
is(fetched($archive, $large[0], '--compress=none'), '', '... and it comes back');
stays { succeeds('... the same again', 'walpush', '--compress=none', '--s3-part-size=5MiB', $archive, $large[0]) } $swift, $bucket;

my $absent = segment_name(number => 4000);
is(run('walfetch', $archive, $absent, scratch() . '/absent')->{code}, 1, 'what is absent is proved absent');
is(run('walfetch', "s3://nosuchbucket/main", $absent, scratch() . '/absent')->{code}, 3, '... but not in a bucket that does not exist');
succeeds('a wrong region is put right by the answer', 'walpush', '--s3-region=eu-west-1', '--cache=none', $archive, $file);

my $oldest = (split m{/}, $large[0])[-1];
succeeds('walclean', 'walclean', $archive, $oldest);
is(join(' ', sort grep { /main\/0/ } $swift->objects($bucket)), join(' ', sort "main/00000002.history.zst", "main/$oldest"), '... removes what is older');

done_testing;
