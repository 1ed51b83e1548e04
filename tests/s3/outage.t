# A gateway that goes away and comes back while a server's archiver works off its queue: nothing is lost, nothing is acknowledged
# that is not there, and the archiver is never told anything but "again".

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use File::Basename qw(basename);
use S3Test;
use Time::HiRes qw(sleep time);
use WalRace;

my $gateway = CephGateway->start;
my $bucket  = $gateway->bucket('wal');
my $archive = "s3://$bucket/main";
my $server  = data_directory('server');
act_as($gateway);

my @files = map { next_segment($server, seed => 1 + $_ % 3) } 1 .. 50;

# What PostgreSQL's archiver does, faster: the oldest file first, again until it is taken. It stops on what it would not expect.
sub drain
{
	my ($report) = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	open my $out, '>>', $report or POSIX::_exit(1);
	$out->autoflush;
	for my $file (@files)
	{
		while (1)
		{
			my $status = system 'walpush', '--timeout=1s', $archive, $file;
			print {$out} basename($file), " $status\n";
			last if $status == 0;
			POSIX::_exit(1) if $status != 3 << 8;
			sleep 0.1;
		}
	}
	POSIX::_exit(0);
}

my $report = spew(scratch() . '/report', '');
open my $said, '>&', \*STDERR;
open STDERR, '>', scratch() . '/said';
my $archiver = drain($report);
open STDERR, '>&', $said;

my $done = sub { return scalar(my @taken = slurp($report) =~ / 0$/mg) };
my $failed = sub { return scalar(my @again = slurp($report) =~ / [1-9]\d*$/mg) };
for my $outage ([ 8, 'kill', 'restart' ], [ 20, 'suspend', 'resume' ], [ 30, 'kill', 'restart' ], [ 40, 'suspend', 'resume' ])
{
	my ($number, $away, $back) = @$outage;
	ok((wait_until { $done->() >= $number } 30), "$number files are taken");
	my $before = $failed->();
	$gateway->$away;
	ok((wait_until { $failed->() > $before } 30), "... $away: a push fails");
	$gateway->$back;
}
my $ended = wait_until { waitpid($archiver, POSIX::WNOHANG()) == $archiver } 60;
ok($ended && $? == 0, 'the queue is worked off') or diag(slurp($report), slurp(scratch() . '/said'));
kill 'KILL', $archiver if !$ended;
is($done->(), 50, 'all 50 are acknowledged');
is(join(' ', grep { !/^walpush: error: \S/ } lines(slurp(scratch() . '/said'))), '', 'what was said are lines of errors');
is(join(' ', grep { fetched($archive, $_) ne '' } @files), '', 'all 50 are there and right');
is(scalar(grep { m{/0} } $gateway->objects($bucket)), 50, '... once');
is(join(' ', $gateway->uploads($bucket)), '', '... and nothing half-done');

# ---- killed at any moment

{
	my @more = map { next_segment($server) } 1 .. 30;
	my (%acknowledged, @wrong);
	for my $file (@more)
	{
		my $started = WalRace::start(undef, undef, 'walpush', $archive, $file);
		sleep rand 0.03;
		kill 'KILL', $started->{pid};
		my $run = WalRace::finish($started);
		$acknowledged{$file} = 1 if $run->{signal} == 0 && $run->{code} == 0;
		push @wrong, $run->{code} if $run->{signal} != 9 && $run->{code} != 0;
	}
	is("@wrong", '', 'pushes that are killed with SIGKILL');
	note(scalar(keys %acknowledged), ' of 30 were acknowledged before');
	my @there = map { basename($_, '.zst') } grep { m{/0} } $gateway->objects($bucket);
	my %there = map { $_ => 1 } @there;
	is(join(' ', grep { $acknowledged{$_} && !$there{ basename($_) } } @more), '', '... what was acknowledged is there');
	is(join(' ', grep { $there{ basename($_) } && fetched($archive, $_) ne '' } @more), '', '... and what is there is whole');
	succeeds('... the rest is pushed again', 'walpush', $archive, @more);
	is(join(' ', grep { fetched($archive, $_) ne '' } @more), '', '... and comes back');
}

# ---- a recovery while the gateway is away

{
	my $pitr = recovering('pitr');
	my $file = $files[0];
	$gateway->kill;
	is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', $archive, basename($file), 'pg_wal/RECOVERYXLOG')->{code}, 254, 'without it a recovery is stopped');
	my $started = WalRace::start(undef, undef, 'sh', '-c', 'cd "$1" && exec walfetch --timeout=30s "$2" "$3" pg_wal/RECOVERYXLOG', 'sh', $pitr, $archive,
		basename($file));
	sleep 0.5;
	$gateway->restart;
	my $run = WalRace::finish($started);
	is($run->{code}, 0, '... it waits until it is back') or diag($run->{err});
	ok(-e "$pitr/pg_wal/RECOVERYXLOG" && slurp("$pitr/pg_wal/RECOVERYXLOG") eq slurp($file), '... and gets the segment');
}

done_testing;
