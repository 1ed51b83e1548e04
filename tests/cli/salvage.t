# walpush --all: what a server that is down had ready for its archive goes in, in PostgreSQL's order.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $servers = 0;

# A data directory with these files, which are .ready, .done or neither.
sub down
{
	my (%state) = @_;
	my $server = data_directory('server' . ++$servers, sysid => SYSID);
	my %make = (
		history => sub { history_text([ 1, 3 * MB + 64 ]) },
		backup  => sub { backup_text(number => $_[0]) },
		partial => sub { segment(number => $_[0], end => 'stale', seed => $_[0]) },
		segment => sub { segment(number => $_[0], seed => $_[0], timeline => $_[1]) },
	);
	for my $name (keys %state)
	{
		my ($number, $timeline) = (hex substr($name, 16, 8) || 0, hex substr $name, 0, 8);
		my $kind = $name =~ /history$/ ? 'history' : $name =~ /backup$/ ? 'backup' : $name =~ /partial$/ ? 'partial' : 'segment';
		put($server, $name, $make{$kind}->($number, $timeline)) unless $state{$name} eq 'gone';
		spew("$server/pg_wal/archive_status/$name.$_", '') for $state{$name} eq 'gone' ? 'ready' : grep { $_ } $state{$name};
	}
	return $server;
}

sub name { return segment_name(number => $_[0], timeline => $_[1] // 1) }

my %full = (
	(map { name($_) => 'ready' } 3 .. 5), name(2) => 'done', name(6) => '',
	'00000002.history' => 'ready', name(3) . '.00000028.backup' => 'ready', name(3) . '.partial' => 'ready',
);
my @order = ('00000002.history', name(3), name(3) . '.00000028.backup', name(3) . '.partial', name(4), name(5));

# ---- all goes well

{
	my $server = down(%full);
	# What waits to be used: another one's WAL, and nothing yet.
	put($server, name(7), segment(number => 1));
	put($server, name(8), "\0" x MB);
	my $archive = scratch('archive');
	my $before = listing($server);
	my $run = run({ cwd => $server }, 'walpush', '--all', '-n', '--init', $archive);
	is($run->{out}, join('', map { "pg_wal/$_\n" } @order), 'a dry run tells what is ready, in the order of the archiver');
	is(stored($archive), '', '... and does nothing');
	$run = run({ cwd => $server }, 'walpush', '--all', '-v', '--init', $archive);
	is($run->{code}, 0, 'all that is ready') or diag($run->{err});
	is(join(' ', $run->{err} =~ /^walpush: archived (\S+)\.zst$/mg), "@order", '... goes in, in this order');
	like($run->{err}, qr/^walpush: \Q$archive\E has 6 of 6 files that were ready$/m, '... which is told');
	like($run->{err}, qr{^walpush: pg_wal/@{[ name(6) ]} was in use and is not archived}m, '... as is what was in use');
	is(stored($archive), join(' ', sort map { "$_.zst" } @order), '... and not archived');
	is(listing($server), $before, 'the data directory is as it was');
	$run = run({ cwd => $server }, 'walpush', '--all', $archive);
	is($run->{code}, 0, 'again');
	like($run->{err}, qr/has 6 of 6 files/, '... all are there already');
	my $nothing = down(name(2) => 'done');
	$run = run({ cwd => $nothing }, 'walpush', '--all', $archive);
	ok($run->{code} == 0 && $run->{err} eq "walpush: $archive has 0 of 0 files that were ready\n", 'nothing is ready') or diag($run->{err});
}

# ---- what goes wrong

{
	my $server = down(%full, name(4) => 'ready');
	my $archive = scratch('wrong');
	put($server, name(4), segment(number => 9));
	my $run = run({ cwd => $server }, 'walpush', '--all', '--init', $archive);
	is($run->{code}, 4, 'one that is no WAL of its name');
	like($run->{err}, qr{warning: left: pg_wal/@{[ name(4) ]}: .*has 5 of 6 files.*error: 1 files? are left}s, '... is left, and told') or diag($run->{err});
	like(stored($archive), qr/@{[ name(5) ]}/, '... those behind it are not');
	$run = run({ cwd => $server }, 'walpush', '--all', "$archive.none");
	is($run->{code}, 3, 'an archive that is away');
	like($run->{err}, qr{error: [^\n]*\Q$archive\E}, '... is named');
	my $gone = down(name(3) => 'gone', name(4) => 'ready');
	$run = run({ cwd => $gone }, 'walpush', '--all', '--init', scratch('gone'));
	is($run->{code}, 0, 'one that is ready but not there');
	like($run->{err}, qr/warning: [^\n]*@{[ name(3) ]} is ready[^\n]*not there.*has 1 of 1/s, '... is told');
}

{
	my $server = down(%full);
	my $archive = scratch('empty');
	my @where = (cwd => $server, keeps => [ $archive, $server ]);
	refuses('a file beside --all', { @where, code => 2, like => qr/too much/ }, 'walpush', '--all', $archive, 'pg_wal/' . name(3));
	refuses('no data directory', { cwd => scratch(), code => 2, like => qr/data directory/ }, 'walpush', '--all', $archive);
	my $pid = fork() // die;
	if ($pid == 0)
	{
		chdir $server;
		exec 'sleep', '60';
	}
	wait_until { (readlink "/proc/$pid/cwd" // '') eq $server } or die;
	spew("$server/postmaster.pid", "$pid\n$server\n");
	refuses('a server that runs', { @where, code => 4, like => qr/server runs \(process $pid/ }, 'walpush', '--all', $archive);
	kill 'KILL', $pid;
	waitpid $pid, 0;
	spew("$server/postmaster.pid", "$$\n$server\n");
	my $run = run({ cwd => $server }, 'walpush', '--all', '--init', $archive);
	is($run->{code}, 0, "a postmaster.pid whose number is another process's now") or diag($run->{err});
}

SKIP:
{
	skip 'root alone can be another user', 1 unless $> == 0 && unprivileged();
	my $server = down(%full);
	chmod 0755, $server;
	my $other = unprivileged();
	my $run = run({ %$other, cwd => $server }, 'walpush', '--all', scratch('other'));
	is($run->{code}, 2, "another user's data directory") or diag($run->{err});
}

# ---- several archives, up to PostgreSQL 9.6

{
	my $server = down(%full);
	rename "$server/pg_wal", "$server/pg_xlog" or die $!;
	my ($one, $two) = map { scratch($_) } qw(one two);
	my %both = (cwd => $server, env => { WALTOOLS_CONFIG => spew(scratch() . '/conf', "[main]\narchive = $one\narchive = $two\n") });
	my $run = run(\%both, 'walpush', '--all', '--init', 'main');
	is($run->{code}, 0, 'two archives, pg_xlog') or diag($run->{err});
	like($run->{err}, qr/^walpush: \Q$_\E has 6 of 6 files/m, '... each has all') for $one, $two;
	is(stored($one), stored($two), '... the same');
	rename $two, "$two.away";
	$run = run(\%both, 'walpush', '--all', 'main');
	is($run->{code}, 3, 'one is away');
	$run = run(\%both, 'walpush', '--all', '--require=any', 'main');
	is($run->{code}, 0, '... and need not be there');
	rename "$two.away", $two;
}

done_testing;
