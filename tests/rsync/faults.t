# Whatever fails while a file is pushed by rsync: nothing wrong is ever there under its name, the failure is told in time, and the
# next push succeeds and leaves nothing behind.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;
use ServerProcess;
use TcpProxy;
use Time::HiRes ();
use WalRace;

my $server = data_directory('server');
my ($ssh, $daemon) = (ssh_server(), rsync_daemon());
my %proxy = (ssh => TcpProxy->start($ssh->port), daemon => TcpProxy->start($daemon->port));
spew($ssh->known_hosts, slurp($ssh->known_hosts), slurp($ssh->known_hosts) =~ s/:\d+/':' . $proxy{ssh}->port/er);

# An archive behind the proxy; each command has connections of its own.
sub behind_proxy
{
	my ($kind, $name) = @_;
	my $archive = archive($kind, $name);
	my $port    = $proxy{ $kind eq 'daemon' ? 'daemon' : 'ssh' }->port;
	$archive->{location} =~ s{:\d+/}{:$port/} if $kind eq 'daemon';
	push @{ $archive->{options} }, '--ssh-sharing=no', "--ssh-port=$port" if $kind ne 'daemon';
	return $archive;
}

# A segment that does not shrink.
my $number = 10;
sub large { return put_segment($server, number => $number++, variety => 1400) }

# What is wrong with what is there: nothing under the name, or all of it.
sub wrong_there
{
	my ($archive, $file) = @_;
	my $object = "$archive->{directory}/" . basename($file);
	return -e $object && slurp($object) ne slurp($file) ? ('other content is there') : ();
}

sub judge
{
	my ($title, $archive, $file, $run, %expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @wrong = wrong_there($archive, $file);
	push @wrong, one_error($run, 'walpush', $expected{code} // 3, $expected{like}) if $run->{code} != 0 || !$expected{or_done};
	push @wrong, "took $run->{seconds} s" if late($run, $expected{longest} // 8);
	ok(!@wrong, "$archive->{kind}: $title") or diag(join "\n", @wrong, $run->{err});
	return;
}

# All is well again, and what was left is gone. What is younger may be somebody else's.
sub recovers
{
	my ($title, $archive, @files) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $long_ago = time - 2 * 86400;
	utime $long_ago, $long_ago, glob("$archive->{directory}/.waltools/tmp/{,.}put-*"), glob "$ENV{TMPDIR}/*";
	my $run = run('walpush', '--compress=none', '--timeout=10s', at($archive), @files);
	my @wrong = map { wrong_there($archive, $_) } @files;
	push @wrong, "exit code $run->{code}: $run->{err}" if $run->{code} != 0 || $run->{err} ne '';
	push @wrong, 'not all are there: ' . objects($archive) if grep { !-e "$archive->{directory}/" . basename($_) } @files;
	push @wrong, 'there is left: ' . temporary($archive) . claims($archive) if temporary($archive) . claims($archive) ne '';
	push @wrong, 'here is left: ' . spools() if spools() ne '';
	ok(!@wrong, "$archive->{kind}: $title: the next push succeeds, and cleans up") or diag(join "\n", @wrong);
	return;
}

# What goes on here and over there. A daemon has a process for each connection.
sub at_work
{
	my ($archive) = @_;
	my @serving = $archive->{kind} eq 'daemon' ? runs($daemon->config) : ();
	shift @serving;
	return (@serving, runs("$ENV{TMPDIR}/waltools-spool"), runs("$archive->{directory}/"));
}

sub push_to
{
	my ($archive, $file, @options) = @_;
	return run('walpush', '--compress=none', '--timeout=2s', @options, at($archive), $file);
}

# ---- cut, at many places, and stalled

my @archives = map { behind_proxy($_, 'cut') } kinds();
my @pushed;

# To all archives at the same time, with this fault on the way.
sub push_through
{
	my (@fault) = @_;
	$_->fault(@fault) for values %proxy;
	my $file = large();
	push @pushed, $file;
	my @runs = together(map { [ 'walpush', '--compress=none', '--timeout=2s', at($_), $file ] } @archives);
	return map { [ $archives[$_], $file, $runs[$_] ] } 0 .. $#archives;
}

succeeds("$_->{kind}: an archive", 'walpush', at($_), next_segment($server)) for @archives;
for my $at (0, 300, 3000, 20_000, map { $_ * 256 * 1024 } 1 .. 4)
{
	judge("cut after $at bytes", @$_, or_done => $at > MB - 1, longest => 10) for push_through('cut', $at);
}
for my $fault ([ 'stall', 0 ], [ 'stall', 256 * 1024 ], [ 'stall_answer', 0 ], [ 'stall_answer', 150 ])
{
	judge("@$fault", @$_, longest => 10) for push_through(@$fault);
}
$_->clear for values %proxy;
recovers('cut and stalled', $_, @pushed) for @archives;
$_->stop for values %proxy;

# ---- servers that die

for my $kind (kinds())
{
	my $archive = archive($kind, 'killed');
	my $far = $kind eq 'daemon' ? $daemon : $ssh;
	succeeds("$kind: an archive", 'walpush', at($archive), next_segment($server));
	my $file = large();
	my $pushing = WalRace::start(undef, undef, 'walpush', '--compress=none', '--timeout=5s', '--limit-rate=300000', at($archive), $file);
	ok((wait_until { temporary($archive) } 20), "$kind: while it is sent") or diag(slurp("$pushing->{base}.err"));
	$far->kill;
	my $killed = Time::HiRes::time();
	my $run = WalRace::finish($pushing);
	$run->{seconds} = Time::HiRes::time() - $killed;
	judge('... the server is killed', $archive, $file, $run);
	judge('... then refuses connections', $archive, $file, push_to($archive, $file), like => qr/onnection refused/);
	$far->restart;
	recovers('a server that was killed', $archive, $file);
}

# ---- pushes that die

for my $kind (kinds())
{
	my $archive = archive($kind, 'dying');
	succeeds("$kind: an archive", 'walpush', at($archive), next_segment($server));
	my (@wrong, @files);
	for my $round (0 .. 11)
	{
		my $file = large();
		push @files, $file;
		my $pushing = WalRace::start(undef, undef, 'walpush', '--compress=none', at($archive), $file);
		select undef, undef, undef, 0.01 + $round * 0.04;
		kill 'KILL', $round % 2 ? -$pushing->{pid} : $pushing->{pid};
		WalRace::finish($pushing);
		push @wrong, "round $round: $_" for wrong_there($archive, $file);
	}
	is(join("\n", @wrong), '', "$kind: walpush is killed at any moment");
	ok((wait_until { return !at_work($archive) } 30), "$kind: ... and no rsync goes on") or diag(at_work($archive));
	recovers('killed', $archive, @files);
}

# ---- the far side is full

SKIP:
{
	my $archive = archive('ssh', 'full');
	skip 'only root can mount a small file system', 1 if $> != 0;
	my @mount = ('mount', '-t', 'tmpfs', '-o', 'size=700k', 'tmpfs');
	skip 'mounting is not allowed here', 1 if run(@mount, $archive->{directory})->{code} != 0;
	run('umount', $archive->{directory});
	for my $kind (kinds())
	{
		$archive = archive($kind, 'full');
		run(@mount, $archive->{directory});
		my $file = large();
		succeeds("$kind: a small archive", 'walpush', '--init', at($archive), next_segment($server));
		judge('it is full', $archive, $file, push_to($archive, $file), code => 6, like => qr/No space left on device/);
		is(temporary($archive), '', '... and nothing is left there') if $kind eq 'ssh';
		run('mount', '-o', 'remount,size=8m', $archive->{directory});
		recovers('no longer full', $archive, $file);
		run('umount', '-l', $archive->{directory});
	}
}

# ---- who may not, and what is not there

{
	my $archive = archive('ssh', 'closed');
	my $file    = large();
	succeeds('an archive', 'walpush', at($archive), next_segment($server));
	end_shared();
	$ssh->kill;
	$ssh->keep_host_key;
	$ssh->new_host_key;
	$ssh->restart;
	judge('another machine answers', $archive, $file, push_to($archive, $file), like => qr/Host key verification failed.*right machine/);
	$ssh->kill;
	$ssh->bring_host_key_back;
	$ssh->restart;
	judge('no rsync there', $archive, $file, push_to($archive, $file, '--rsync-remote-program=/nonexistent'), like => qr/no rsync there/);
	recovers('closed', $archive, $file);

	my %shell = (
		noisy    => "#!/bin/sh\necho Welcome\nexec /bin/sh \"\$\@\"\n",
		scolding => "#!/bin/sh\necho Disk almost full >&2\nexec /bin/sh \"\$\@\"\n",
		closed   => "#!/bin/sh\necho This account is currently not available.\nexit 1\n",
	);
	for my $name (sort keys %shell)
	{
		$ssh->account($name, shell => $shell{$name});
		my $there = { %$archive, location => $ssh->location($archive->{directory}, user => $name) };
		my $more  = large();
		my $run   = push_to($there, $more);
		judge("a shell that is $name", $there, $more, $run, or_done => $name eq 'scolding');
		is($run->{code} == 0 ? 1 : 0, $name eq 'scolding' ? 1 : 0, '... is a failure where it disturbs') or diag($run->{err});
		for my $absent (segment_name(number => 9999), basename($file))
		{
			my $fetch = run('walfetch', '--timeout=2s', at($there), $absent, '-');
			isnt($fetch->{code}, 1, "... and absent is nothing by that: $absent") if $name ne 'scolding';
		}
	}
}

{
	my $archive = archive('daemon', 'closed');
	my $file    = large();
	succeeds('an archive', 'walpush', at($archive), next_segment($server));
	spew($daemon->secrets, "wal:another\n");
	judge('the password has changed', $archive, $file, push_to($archive, $file), like => qr/auth failed/);
	spew($daemon->secrets, 'wal:' . $daemon->password . "\n");
	$daemon->remove_module('wal');
	judge('the module is gone', $archive, $file, push_to($archive, $file), like => qr/module/);
	$daemon->module('wal', path => scratch() . '/rsyncd1/wal', 'read only' => 'false', 'auth users' => 'wal', 'secrets file' => $daemon->secrets);
	recovers('open again', $archive, $file);
}

done_testing;
