# walclean --standby: several standbys on one archive. What each needs stays, whoever cleans.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use JSON::PP ();
use POSIX ();
use WalRace;

use constant { DAY => 86400 };

my $server = data_directory('server');
my $count  = 0;
my $model;

sub name { return segment_name(number => $_[0], timeline => $_[1] // 1) }

# An archive with an identity, and segments 1 to 40 of which the first can be read.
sub archive
{
	my $archive = new_archive('archive' . ++$count, $server);
	spew("$archive/" . name($_), 'x') for 2 .. 40;
	return $archive;
}

# The numbers of the first and the last segment that is left.
sub left
{
	my ($archive) = @_;
	my @numbers = map { /^0000000\d(\w{16})/ ? hex $1 : () } split / /, stored($archive);
	return @numbers ? "$numbers[0]-$numbers[-1]" : 'none';
}

sub records { return map { s{.*/standby/}{}r } glob "$_[0]/.waltools/standby/*/*" }

# Another time for a standby's record: in its text, its name, and of the file.
sub antedate
{
	my ($archive, $standby, $days) = @_;
	my ($file) = glob "$archive/.waltools/standby/$standby/*";
	my $then = time - $days * DAY;
	my $text = slurp($file) =~ s/^time=.*/POSIX::strftime('time=%Y-%m-%dT%H:%M:%SZ', gmtime $then)/mer =~ s/^crc32c=.*\n//mr;
	$text .= sprintf "crc32c=%08x\n", WalSegment::crc32c($text);
	my $new = "$archive/.waltools/standby/$standby/" . POSIX::strftime('%Y%m%dT%H%M%S.000Z', gmtime $then);
	unlink $file;
	spew($new, $text);
	utime $then, $then, $new;
	return $new;
}

# ---- two standbys

{
	my $archive = archive();
	succeeds('the first standby', { out => '' }, 'walclean', '--standby=a', $archive, name(10));
	is(left($archive), '10-40', '... alone: what it does not need has gone');
	succeeds('the second, which is slower', { out => '' }, 'walclean', '--standby=b', $archive, name(12));
	is(left($archive), '10-40', '... what the first needs stays');
	succeeds('the first goes on', { out => '' }, 'walclean', '--standby=a', $archive, name(20));
	is(left($archive), '12-40', '... up to what the second needs');
	is(join(' ', map { s{/.*}{}r } records($archive)), 'a b', 'each has one record');
	my ($record) = grep { m{^a/} } records($archive);
	like($record, qr{^a/\d{8}T\d{6}\.\d{3}Z$}, '... named after the time');
	my $text = slurp("$archive/.waltools/standby/$record");
	like($text, qr/\Awaltools-standby=1\nname=a\nsegment=${\name(20)}\ntime=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\ncrc32c=[0-9a-f]{8}\n\z/, '... as walformat(5) says');
	is(substr($text, -9, 8), sprintf('%08x', WalSegment::crc32c(substr $text, 0, -16)), '... with its CRC-32C');

	my $run = run('walclean', '-v', $archive, name(30));
	is(left($archive), '12-40', 'who is no standby respects both');
	like($run->{err}, qr/standby b needs ${\name(12)} and later/, '... as -v tells');
	is(run('walclean', '-n', $archive, name(30))->{out}, '', '... a dry run, too');
	is(run('walclean', '-n', '--standby=b', $archive, name(14))->{out}, "$archive/" . name(12) . "\n$archive/" . name(13) . "\n", 'a dry run of a standby');
	like(slurp("$archive/.waltools/standby/" . (grep { m{^b/} } records($archive))[0]), qr/${\name(12)}/, '... records nothing');
	succeeds('the second is on another timeline', { out => '' }, 'walclean', '--standby=b', $archive, name(25, 2));
	is(left($archive), '20-40', '... which makes no difference');
	succeeds('a standby that was made anew begins earlier', 'walclean', '--standby=b', $archive, name(5, 2));
	succeeds('... and is respected', { out => '' }, 'walclean', '--standby=a', $archive, name(30));
	is(left($archive), '20-40', '... for what is left');
}

# ---- recording alone

{
	my $archive = archive();
	succeeds('--record-only', { out => '' }, 'walclean', '--record-only', '--standby=a', $archive, name(10));
	is(left($archive) . ' ' . records($archive), '1-40 1', '... records, and removes nothing');
	succeeds('... and is respected', { out => '' }, 'walclean', $archive, name(20));
	is(left($archive), '10-40', '... by whoever removes');
	my $before = listing($archive);
	succeeds('... a dry run', { out => '' }, 'walclean', '-n', '--record-only', '--standby=a', $archive, name(30));
	is(listing($archive), $before, '... does not even that');
	refuses('... without a standby', { code => 2, keeps => [$archive] }, 'walclean', '--record-only', $archive, name(30));
}

# ---- a restart point that is not known

{
	my $archive = archive();
	succeeds('24 zeros', { out => '' }, 'walclean', '--standby=a', $archive, '0' x 24);
	run('walclean', $archive, name(30));
	is(left($archive), '1-40', '... of a new standby: all stays');
	run('walclean', '--standby=a', $archive, name(10));
	succeeds('24 zeros', { out => '' }, 'walclean', '--standby=a', $archive, '0' x 24);
	is(left($archive), '10-40', '... of one that is known: nothing goes');
	run('walclean', $archive, name(30));
	is(left($archive), '10-40', '... and it keeps what it needed');
}

# ---- silence

{
	my $archive = archive();
	run('walclean', '--standby=a', $archive, name(10));
	run('walclean', '--standby=b', $archive, name(20));
	antedate($archive, 'a', 8);
	my $told = qr/\Awalclean: warning: standby a was last heard of at 20.*${\name(10)}.*--forget-standby=a\n\z/;
	my $run = run('walclean', '--standby=b', $archive, name(20));
	like($run->{err}, $told, 'a standby that is silent for a week is told');
	is($run->{code} . left($archive), '010-40', '... and keeps what it needs');
	like(run('walclean', $archive, name(20))->{err}, $told, '... each time');
	is(run('walclean', '--standby-timeout=2w', $archive, name(20))->{err}, '', '... but not before the time that is set');
	antedate($archive, 'a', 1);
	is(run('walclean', $archive, name(20))->{err}, '', '... nor after a day');
	like(run({ env => { WALTOOLS_STANDBY_TIMEOUT => '12h' } }, 'walclean', $archive, name(20))->{err}, $told, '... by the environment');
	$run = run({ env => { WALTOOLS_RELEASE_STALE => 'no', WALTOOLS_STANDBY_TIMEOUT => '12h' } }, 'walclean', $archive, name(15));
	is(left($archive), '10-40', 'release-stale = no');
	my $config = spew(scratch() . '/stale.conf', "release-stale = yes\nstandby-timeout = 12h\n[main]\narchive = $archive\n");
	$run = run('walclean', "--config=$config", 'main', name(15));
	like($run->{err}, qr/\Awalclean: warning: nothing is kept for standby a, .*\n\z/, 'release-stale = yes: it is told');
	is($run->{code} . left($archive), '015-40', '... and keeps nothing');
	run('walclean', '--release-stale', '--standby-timeout=12h', $archive, name(20));
	is(left($archive), '20-40', '... nor by the option');
	succeeds('it comes back', { out => '' }, 'walclean', '--standby=a', $archive, name(20));
	my ($record) = grep { m{^a/} } records($archive);
	utime time - 30 * DAY, time - 30 * DAY, "$archive/.waltools/standby/$record";
	is(run('walclean', $archive, name(20))->{err}, '', 'the later of its own time and the file\'s counts');
}

# ---- forgetting

{
	my $archive = archive();
	run('walclean', '--standby=a', $archive, name(10));
	run('walclean', '--standby=b', $archive, name(20));
	is(run('walclean', '-n', '--forget-standby=a', $archive)->{out}, "standby a would be forgotten\n", 'a dry run of forgetting');
	is(join(' ', map { s{/.*}{}r } records($archive)), 'a b', '... forgets nothing');
	succeeds('forgetting', { out => '' }, 'walclean', '--forget-standby=a', $archive);
	is(join(' ', map { s{/.*}{}r } records($archive)), 'b', '... that one');
	is(left($archive), '10-40', '... and removes nothing else');
	succeeds('then', { out => '' }, 'walclean', '--standby=b', $archive, name(22));
	is(left($archive), '22-40', '... the others decide');
	refuses('one that is not there', { code => 4, like => qr/no standby a /, keeps => [$archive] }, 'walclean', '--forget-standby=a', $archive);
	refuses('... in a dry run', { code => 4, like => qr/no standby a /, keeps => [$archive] }, 'walclean', '-n', '--forget-standby=a', $archive);
	refuses('with OLDESTKEPT', { code => 2, keeps => [$archive] }, 'walclean', '--forget-standby=b', $archive, name(30));
	refuses('with a standby', { code => 2, keeps => [$archive] }, 'walclean', '--forget-standby=b', '--standby=b', $archive);
}

# ---- what is wrong

{
	my $archive = archive();
	for my $bad ('', '.a', 'a/b', '../a', 'a b', "a\n", 'x' x 65, '%', '*')
	{
		refuses("a name that is none: '$bad'" =~ s/\n/\\n/r, { code => 2, keeps => [$archive] }, 'walclean', "--standby=$bad", $archive, name(10));
	}
	succeeds('a long name', { out => '' }, 'walclean', '--standby=' . 'Ab-9_.xyz' x 7, $archive, name(2));
	refuses('no OLDESTKEPT', { code => 2, keeps => [$archive] }, 'walclean', '--standby=a', $archive);
	refuses('nor with a base backup to keep', { code => 2, keeps => [$archive] }, 'walclean', '--standby=a', '--keep-backups=1', $archive);
	refuses('a bad one', { code => 2, keeps => [$archive] }, 'walclean', '--standby=a', $archive, 'bad');
	refuses('a time that is none', { code => 2, keeps => [$archive] }, 'walclean', '--standby=a', "--standby-timeout=$_", $archive, name(9)) for '7', '0d', 'soon', '-1d';
	refuses("another cluster's archive", { code => 4, cwd => data_directory('other', sysid => SYSID + 1), keeps => [$archive] },
		'walclean', '--standby=a', $archive, name(10));
	my $plain = scratch('plain');
	spew("$plain/" . name(1), segment(number => 1));
	refuses('an archive without identity', { code => 4, like => qr/no identity/, keeps => [$plain] }, 'walclean', '--standby=a', $plain, name(1));
}

for my $case (
	[ 'empty',                  5, sub { '' } ],
	[ 'cut off',                5, sub { substr $_[0], 0, -20 } ],
	[ 'a flipped bit',          5, sub { $_[0] ^ ("\0" x 30 . "\1") } ],
	[ "another standby's",      5, sub { sealed($_[0] =~ s/name=a/name=b/r) } ],
	[ 'without a segment',      5, sub { sealed($_[0] =~ s/segment=/segments=/r) } ],
	[ 'of a segment that is none', 5, sub { sealed($_[0] =~ s/segment=\w+/segment=00000001.history/r) } ],
	[ 'of a later version',     4, sub { sealed($_[0] =~ s/standby=1/standby=2/r) } ],
  )
{
	my ($what, $code, $change) = @$case;
	my $archive = archive();
	run('walclean', '--standby=a', $archive, name(10));
	my ($file) = map { "$archive/.waltools/standby/$_" } records($archive);
	spew($file, $change->(slurp($file)));
	refuses("a record that is $what", { code => $code, like => qr/standby/, keeps => [$archive] }, 'walclean', $archive, name(30));
	refuses('... also with a base backup to keep', { code => $code, keeps => [$archive] }, 'walclean', '--keep-backups=1', $archive);
	is(run('walclean', '--standby=b', $archive, name(30))->{code} . left($archive), "${code}10-40", '... nor does another standby clean');
	next if $code == 4;
	succeeds('... until it records itself anew', { out => '' }, 'walclean', '--standby=a', $archive, name(12));
	is(left($archive), '12-40', '... and all is well');
}

sub sealed { my $text = $_[0] =~ s/^crc32c=.*\n//mr; return $text . sprintf "crc32c=%08x\n", WalSegment::crc32c($text) }

for my $stray ('a/file', 'a/20261127T001002Z', 'lost file', 'file')
{
	my $archive = archive();
	run('walclean', '--standby=a', $archive, name(10));
	my $path = "$archive/.waltools/standby/$stray";
	spew($path, 'x');
	refuses("something else: $stray", { code => 5, like => qr/not known/, keeps => [$archive] }, 'walclean', $archive, name(30));
	rename $path, $path =~ s{([^/]+)$}{.$1}r;
	succeeds('... but for what begins with a dot', { out => '' }, 'walclean', $archive, name(30));
}

# ---- a clock that was set back, one that is killed

{
	my $archive = archive();
	run('walclean', '--standby=a', $archive, name(10));
	antedate($archive, 'a', -400);
	succeeds('a clock that was set back', { out => '' }, 'walclean', '--standby=a', $archive, name(12));
	is(left($archive) . ' ' . records($archive), '12-40 1', '... what is recorded last counts');

	SKIP:
	{
		can_trace() or skip 'strace can not trace here', 13;
		my $died = 0;
		for my $call ('linkat', 'renameat2', 'fsync', 'unlinkat')
		{
			my $killed = archive();
			run('walclean', '--standby=a', $killed, name(10));
			run('walclean', '--standby=b', $killed, name(11));
			$died += 0 != (injected "$call:signal=KILL", 'walclean', '--standby=a', $killed, name(20))->{code};
			my @left = split /-/, left($killed);
			cmp_ok($left[0], '<=', 11, "killed at $call: what is needed is there");
			succeeds('... then it goes on', { out => '' }, 'walclean', '--standby=a', $killed, name(20));
			is(left($killed) . ' ' . join(' ', map { s{/.*}{}r } records($killed)), '11-40 a b', '... to the end');
		}
		cmp_ok($died, '>=', 2, 'some were killed');
	}
}

# ---- several at once

{
	my $archive = archive();
	run('walclean', "--standby=$_", $archive, name(2)) for 'a' .. 'f';
	my @running = map { WalRace::start(undef, undef, 'walclean', "--standby=$_", $archive, name(10 + ord($_) - ord 'a')) } 'a' .. 'f';
	my @runs    = map { WalRace::finish($_) } @running;
	is(join('', map { $_->{code} . $_->{err} } @runs), '0' x 6, 'six at once');
	is(scalar(my @all = records($archive)), 6, '... are all recorded');
	succeeds('then', { out => '' }, 'walclean', $archive, name(40));
	is(left($archive), '10-40', '... and respected');
}

# ---- in several archives

{
	my @archives = (archive(), archive());
	my $config = spew(scratch() . '/both.conf', "[both]\n", map { "archive = $_\n" } @archives);
	run('walclean', '--standby=b', $archives[1], name(7));
	succeeds('a section of two archives', { out => '' }, 'walclean', "--config=$config", '--standby=a', 'both', name(10));
	is(join(' ', map { left($_) } @archives), '10-40 7-40', '... in each goes what nobody needs there');
	is(join(', ', map { join ' ', map { s{/.*}{}r } records($_) } @archives), 'a, a b', '... and each knows the standby');
	succeeds('... which is forgotten', { out => '' }, 'walclean', "--config=$config", '--forget-standby=a', 'both');
	is(join(', ', map { join ' ', map { s{/.*}{}r } records($_) } @archives), ', b', '... by both');
}

# ---- with base backups

{
	my $archive = archive();
	spew("$archive/" . backup_name(number => $_), backup_text(number => $_)) for 10, 20, 30;
	spew("$archive/" . name(5), segment(number => 5));
	run('walclean', '--standby=a', $archive, name(5));
	like(run('walclean', '-n', '--keep-backups=1', $archive)->{out}, qr/^  a needs ${\name(5)} and later.*^More would go, but standby a still needs it/ms, 'a dry run tells which standby keeps it');
	succeeds('a standby keeps what the backups do not', { out => '' }, 'walclean', '--keep-backups=1', $archive);
	is(left($archive), '5-40', '... and its backup history files');
	succeeds('backups keep what the standby does not', { out => '' }, 'walclean', '--standby=a', '--keep-backups=2', $archive, name(35));
	is(left($archive), '20-40', '... the two newest');
}

# ---- what wallist shows of them

{
	my $archive = archive();
	my $shown = sub { return JSON::PP::decode_json(run('wallist', '--json', @_, $archive)->{out}) };
	is_deeply($shown->()->{standbys}, [], 'wallist: no standby');
	spew("$archive/" . name(3), segment(number => 3));
	run('walclean', '--standby=slow', $archive, name(3));
	run('walclean', '--standby=fast', $archive, name(7));
	run('walclean', '--standby=new',  $archive, '0' x 24);
	antedate($archive, 'slow', 9);
	is_deeply(
		[ map { [ $_->{name}, $_->{segment}, $_->{silent} ? 'silent' : '' ] } @{ $shown->()->{standbys} } ],
		[ [ 'fast', name(7), '' ], [ 'new', undef, '' ], [ 'slow', name(3), 'silent' ] ],
		'... what each needs, and who is silent');
	ok(!$shown->('--standby-timeout=10d')->{standbys}[2]{silent}, '... by --standby-timeout');
	is_deeply($shown->('--timeline=1')->{standbys}, [], '... a part of the archive is without them');
	my $text = run('wallist', $archive)->{out};
	like($text, qr/^Standbys\n  name .*\n  fast  ${\name(7)} .*\n  new   all, .*\n  slow  ${\name(3)} .* silent for 9 days$/m, '... in words');
	spew("$archive/.waltools/standby/slow/20991231T000000.000Z", 'rubbish');
	my $found = $shown->();
	like($found->{standby_problem}, qr/slow/, 'a damaged record is told');
	ok($found->{timelines}[0]{segments} > 1, '... and everything else, too');
}

done_testing();
