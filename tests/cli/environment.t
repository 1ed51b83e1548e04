# As PostgreSQL calls it: signals that arrive ignored, a umask of 0077, no standard input, relative paths.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use WalRace;

my $server  = data_directory('server');
my $archive = new_archive('archive', $server);
my $number  = 1;

# A new segment of the server, relative to the data directory.
sub next_segment
{
	put_segment($server, number => ++$number);
	return 'pg_wal/' . segment_name(number => $number);
}

sub is_archived
{
	my ($title) = @_;
	my $run = run('walfetch', $archive, segment_name(number => $number), '-');
	ok($run->{code} == 0 && $run->{out} eq segment(number => $number), $title) or diag($run->{err});
	return;
}

# ---- signals

{
	my %option = (cwd => $server, before => sub { $SIG{$_} = 'IGNORE' for qw(INT PIPE XFSZ ALRM CHLD HUP QUIT) });
	succeeds('walpush with signals ignored, as the archiver has them', {%option}, 'walpush', $archive, next_segment());
	is_archived('... the segment is there');
	succeeds('walfetch, too', {%option}, 'walfetch', $archive, segment_name(number => $number), 'pg_wal/RECOVERYXLOG');
	ok(slurp("$server/pg_wal/RECOVERYXLOG") eq segment(number => $number), '... it is delivered');
	succeeds('walclean, too', {%option}, 'walclean', $archive, segment_name(number => $number));
	is(stored($archive), segment_name(number => $number) . '.zst', '... it cleans');

	my $blocked = sub { POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(1 .. 31)) };
	succeeds('walpush with all signals blocked', { cwd => $server, before => $blocked }, 'walpush', $archive, next_segment());
	my $run;
  SKIP:
	{
		can_trace() or skip 'strace can not trace here', 1;
		spew("$server/recovery.signal", '');
		my $blocking = 'chdir shift; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM)); exec @ARGV';
		my $waiting = stopped_at('clock_nanosleep', $^X, '-MPOSIX', '-e', $blocking, $server,
			'walfetch', '--timeout=30s', scratch() . '/gone', segment_name(number => 1), 'x');
		$waiting->pass_on('TERM') or diag('SIGTERM is not handed on');
		my $ended = $waiting->go_on;
		ok($ended->{signal} == 15 || $ended->{code} == 143, '... and SIGTERM ends it all the same') or diag($ended->{err});
		unlink "$server/recovery.signal";
	}

	# to a reader that has gone
	$run = run({ cwd => $server }, 'sh', '-c', '{ walfetch "$1" "$2" -; echo "exit code $?" >&2; } | true', 'sh', $archive,
		segment_name(number => $number));
	like($run->{err}, qr/\Awalfetch: error: [^\n]*Broken pipe\nexit code 6\n\z/, 'standard output that nobody reads is an error, no death');
}

# ---- permissions

{
	for my $mask (0077, 0022, 0000, 0777)
	{
		my $own = scratch(sprintf 'mask%04o', $mask);
		my $file = next_segment();
		my $run = run({ cwd => $server, umask => $mask }, 'walpush', $own, $file);
		next if $mask == 0777 && $> != 0;
		is($run->{code}, 0, sprintf('a umask of %04o', $mask)) or diag($run->{err});
		my @open = grep { (stat)[2] & 0007 } glob "$own/0* $own/.waltools $own/.waltools/*";
		is("@open", '', '... and nothing is open to everybody');
	}
	my $own = scratch('mask0077');
	is((stat "$own/" . (split / /, stored($own))[0])[2] & 0777, 0600, 'the umask of the server counts');
	is((stat "$server/pg_wal/" . segment_name(number => $number))[2] & 0777, 0644, 'the file itself is left alone');
}

# ---- descriptors

for my $closed ('<&-', '>&-', '2>&-', '<&- >&-', '>&- 2>&-', '<&- 2>&-', '<&- >&- 2>&-')
{
	my $file = next_segment();
	my $name = segment_name(number => $number);
	my $run = run({ cwd => $server }, 'sh', '-c', "walpush \"\$@\" $closed", 'sh', $archive, $file);
	is($run->{code}, 0, "walpush with $closed") or diag($run->{err});
	is_archived('... the segment is there, and nothing else in it');
	unlink "$server/pg_wal/RECOVERYXLOG";
	$run = run({ cwd => $server }, 'sh', '-c', "walfetch -v \"\$@\" $closed", 'sh', $archive, $name, 'pg_wal/RECOVERYXLOG');
	is($run->{code}, 0, "walfetch with $closed") or diag($run->{err});
	ok(slurp("$server/pg_wal/RECOVERYXLOG") eq segment(number => $number), '... it is delivered as it is');
	put_segment($server, number => $number, seed => 2);
	$run = run({ cwd => $server }, 'sh', '-c', "walpush \"\$@\" $closed", 'sh', $archive, $file);
	is($run->{code}, 4, '... an error is one, though nobody can read it');
}
{
	my $run = run({ cwd => $server }, 'sh', '-c', 'walfetch "$@" >&-', 'sh', $archive, segment_name(number => $number), '-');
	is($run->{code}, 6, 'a closed standard output is no place to fetch to') or diag($run->{err});
	my $file = next_segment();
	$run = run({ cwd => $server }, 'sh', '-c', 'ulimit -n 16; exec walpush "$@"', 'sh', $archive, $file);
	is($run->{code}, 0, 'sixteen descriptors are enough') or diag($run->{err});
}

# ---- nothing stays behind

{
	# a process that is left would keep the pipe open
	my $run = run({ cwd => $server, timeout => 20 }, 'sh', '-c', 'walpush "$@" 2>&1 | cat', 'sh', $archive, next_segment());
	ok(!$run->{timed_out}, 'standard error is closed when walpush has ended');
	my @strange = grep { !m{/(?:archive_status|0[^/]*|RECOVERYXLOG)$} } glob "$server/pg_wal/{*,.[!.]*}";
	is("@strange", '', 'nothing is left in pg_wal');
	is(join(' ', sort map { s{.*/}{}r } glob "$server/{*,.[!.]*}"), 'global pg_wal', '... nor in the data directory');
	is(leftovers($archive), '', '... nor in the archive');
}

# ---- paths

{
	my $odd = scratch("odd 'place' \"\$HOME\" ; *");
	my $file = next_segment();
	succeeds('an archive whose path has all a shell knows', { cwd => $server }, 'walpush', $odd, $file);
	succeeds('... comes back', 'walfetch', $odd, segment_name(number => $number), "$odd/out put");
	ok(slurp("$odd/out put") eq segment(number => $number), '... as it was');
	symlink $odd, scratch() . '/link';
	succeeds('an archive behind a symbolic link', { cwd => $server }, 'walpush', scratch() . '/link', next_segment());
	my $elsewhere = scratch('elsewhere');
	system('mv', "$server/pg_wal", "$elsewhere/wal") == 0 or die;
	symlink "$elsewhere/wal", "$server/pg_wal" or die;
	succeeds('pg_wal on another disk', { cwd => $server }, 'walpush', $archive, next_segment());
	put($server, '00000002.history', history_text());
	succeeds('... a .history there: the cluster is the working directory', { cwd => $server }, 'walpush', $archive, 'pg_wal/00000002.history');
	succeeds('... and back', { cwd => $server }, 'walfetch', $archive, '00000002.history', 'pg_wal/RECOVERYHISTORY');
	succeeds('a time zone changes nothing', { cwd => $server, env => { TZ => 'Asia/Kathmandu' } }, 'walpush', $archive, next_segment());
	succeeds('... nor a language', { cwd => $server, env => { LC_ALL => 'tr_TR.UTF-8', LANG => 'tr_TR.UTF-8' } }, 'walpush', $archive, next_segment());
	is_archived('... it is there');
	my $label = slurp("$archive/" . segment_name(number => $number - 1) . '.zst');
	my ($time) = $label =~ /^time=(\S+)$/m;
	my @hours = map { POSIX::strftime('%Y-%m-%dT%H', gmtime(time + $_)) } -3600, 0;
	ok((grep { index($time // '', $_) == 0 } @hours), "... and the label has the time in UTC, $time");
}

done_testing;
