# Every setting for ssh and rsync has its effect, no secret is seen, and nothing ever asks a question.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;
use ServerProcess;

my $server = data_directory('server');
my $ssh    = ssh_server();
my $daemon = rsync_daemon();

sub logins
{
	my ($do) = @_;
	my $before = $ssh->logins;
	$do->();
	return $ssh->logins - $before;
}

# What is pushed: a new segment, to an archive of its own if none is given.
my $count = 0;

sub push_with
{
	my ($kind, @options) = @_;
	my $option  = ref $options[0] ? shift @options : {};
	my $archive = archive($kind, 'settings' . ++$count);
	return run($option, 'walpush', '--timeout=4s', @options, at($archive), next_segment($server));
}

# Fails in time, with exit code 3 (or another) and one line.
sub fails
{
	my ($title, $like, $run, $code) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @wrong = one_error($run, 'walpush', $code // 3, $like);
	push @wrong, "took $run->{seconds} s" if late($run, 8);
	ok(!@wrong, $title) or diag(join "\n", @wrong, $run->{err});
	return;
}

# ---- programs and how they log in

{
	my $plain = spew(scratch() . '/plain_config', grep { !/^(?:Port|Identity)/ } map { "$_\n" } $ssh->client_settings, 'IdentityAgent none');
	my $rsh = "ssh -F $plain";
	fails('without port and key', qr/./, push_with('ssh', "--rsync-rsh=$rsh"));
	my @options = ("--rsync-rsh=$rsh", '--ssh-port=' . $ssh->port, '--ssh-identity=' . $ssh->identity);
	is(push_with('ssh', @options)->{code}, 0, 'ssh-port and ssh-identity');
	fails('another port', qr/onnection refused/, push_with('ssh', @options[ 0, 2 ], '--ssh-port=' . reserve_port()));
	my $stranger = $ssh->directory . '/stranger';
	must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', $stranger);
	fails('another key', qr/Permission denied.*ssh must log in with a key/, push_with('ssh', @options[ 0, 1 ], "--ssh-identity=$stranger"));
	fails('a key by a relative path', qr/absolute/, push_with('ssh', '--ssh-identity=id'), 2);
	fails('no key there', qr/./, push_with('ssh', @options[ 0, 1 ], '--ssh-identity=/nonexistent'));

	for my $where ('rsync-program', 'rsync-remote-program')
	{
		my $said = scratch() . "/$where.said";
		my $program = spew(scratch() . "/$where", "#!/bin/sh\necho \"\$*\" >>'$said'\nexec rsync \"\$\@\"\n");
		chmod 0755, $program;
		is(push_with('ssh', "--$where=$program")->{code}, 0, $where);
		ok(-s $said, '... is what is run');
	}
	fails('no rsync there', qr/no rsync there.*rsync-remote-program/, push_with('ssh', '--rsync-remote-program=/nonexistent'));
	fails('no rsync here', qr/nonexistent/, push_with('daemon', '--rsync-program=/nonexistent'), 2);
	my $run = push_with('ssh', '--rsync-rsh=/nonexistent');
	fails('no ssh here', qr/nonexistent/, $run, $run->{code} || 3);
}

# ---- the password of a daemon

{
	my %none = (env => { RSYNC_PASSWORD => undef });
	my $file = $daemon->password_file;
	is(push_with('daemon')->{code}, 0, 'RSYNC_PASSWORD');
	is(push_with('daemon', {%none}, "--rsync-password-file=$file")->{code}, 0, 'rsync-password-file');
	fails('a daemon without a password', qr/auth failed.*rsync-password-file/, push_with('daemon', {%none}));
	fails('a wrong password', qr/auth failed.*rsync-password-file/, push_with('daemon', { env => { RSYNC_PASSWORD => 'wrong' } }));
	my $run = push_with('daemon', {%none}, '--rsync-password-file=/nonexistent');
	isnt($run->{code}, 0, 'no such file');
	like($run->{err}, qr{\Awalpush: error: [^\n]*/nonexistent[^\n]*\n\z}, '... in one line');
	chmod 0644, $file;
	$run = push_with('daemon', {%none}, "--rsync-password-file=$file");
	isnt($run->{code}, 0, 'a file that others can read is refused');
	is(scalar(lines($run->{err})), 1, '... in one line') or diag($run->{err});
	chmod 0600, $file;

	my $conf = spew(scratch() . '/waltools.conf', 'rsync-password = ' . $daemon->password . "\n");
	chmod 0600, $conf;
	is(push_with('daemon', {%none}, "--config=$conf")->{code}, 0, 'rsync-password in the configuration');
	chmod 0644, $conf;
	fails('... which others must not read', qr/\Q$conf\E/, push_with('daemon', {%none}, "--config=$conf"), 2);
	chmod 0600, $conf;
	for my $command ([ '--rsync-password=secret' ], [])
	{
		$run = push_with('daemon', { env => { RSYNC_PASSWORD => undef, WALTOOLS_RSYNC_PASSWORD => $daemon->password } }, @$command);
		isnt($run->{code}, 0, '... and it can\'t be given elsewhere');
	}

	# While a push is under way, nobody sees it.
	my $archive = archive('daemon', 'watched');
	my $file_to_push = put_segment($server, number => 900, variety => 1400);
	my @seen;
	my $slow = ServerProcess->start(
		name    => 'slow',
		command => [ program('walpush'), "--config=$conf", '--limit-rate=150000', '--timeout=30s', at($archive), $file_to_push ],
	);
	while ($slow->is_running)
	{
		push @seen, runs('watched');
		select undef, undef, undef, 0.02;
	}
	ok((grep { /^rsync / } @seen) > 0, 'a push is seen while it runs');
	is(scalar(grep { index($_, $daemon->password) >= 0 } @seen), 0, '... without the password');
	my $told = join '', map { push_with('daemon', '-v', "--config=$conf", @$_)->{err} } [], ['--rsync-program=false'];
	unlike($told, qr/\Q${\$daemon->password}\E/, '... nor is it told');
}

# ---- how fast

for my $kind (kinds())
{
	my $archive = archive($kind, 'rate');
	succeeds("$kind: an archive", 'walpush', at($archive), next_segment($server));
	my $file = put_segment($server, number => 950, variety => 1400);
	my $size = -s $file;
	my $run = succeeds("$kind: limit-rate", 'walpush', '--compress=none', '--timeout=10s', '--limit-rate=' . int($size / 2), at($archive), $file);
	cmp_ok($run->{seconds}, '>', 1.2, '... takes its time');
	in_time($run, 8);
}

# ---- shared connections

{
	my $directory = "$ENV{HOME}/.cache/waltools/ssh";
	end_shared();
	is(logins(sub { push_with('ssh') for 1 .. 4 }), 1, 'several pushes, one login');
	is((stat $directory)[2] & 07777, 0700, '... in a directory that nobody else enters');
	is(logins(sub { run('walfetch', at(archive('ssh', 'settings' . $count)), segment_name(number => 9999), '-') }), 0, '... which walfetch uses');
	my $each = logins(sub { push_with('ssh', '--ssh-sharing=no') });
	cmp_ok($each, '>', 1, 'without sharing each command logs in');
	$ssh->hang_up;
	is(push_with('ssh')->{code}, 0, 'a connection that is cut is made anew');
	end_shared();

	chmod 0770, $directory;
	cmp_ok(logins(sub { push_with('ssh') }), '>', 1, 'a directory that others can write to is not used');
	is(scalar(my @none = shared()), 0, '... at all');
	chmod 0700, $directory;
	rename $directory, "$directory.away" or die;
	symlink "$directory.away", $directory or die;
	push_with('ssh');
	is(scalar(@none = shared()), 0, '... nor is a link');
	unlink $directory;
	rename "$directory.away", $directory or die;

	my $runtime = scratch('run');
	is(push_with('ssh', { env => { XDG_RUNTIME_DIR => $runtime } })->{code}, 0, 'XDG_RUNTIME_DIR');
	my @sockets = glob "$runtime/waltools/*";
	is(scalar(@sockets), 1, '... is where it is then');
	run('ssh', '-F', '/dev/null', '-S', $_, '-O', 'exit', 'any') for @sockets;
	my $long = scratch('long/' . 'x' x 80);
	is(push_with('ssh', { env => { HOME => $long, XDG_RUNTIME_DIR => $long } })->{code}, 0, 'a path that is too long is no failure');

	my $busy = archive('ssh', 'busy');
	my @files = map { put_segment($server, number => 960 + $_) } 1 .. 4;
	end_shared();
	my @runs = together(map { [ 'walpush', at($busy), $_ ] } @files);
	is(join(' ', map { $_->{code} } @runs), '0 0 0 0', 'four at the same time, and no connection yet') or diag(told_all(@runs));
	end_shared();
}

# ---- an account that runs nothing but rsync

SKIP:
{
	my ($rrsync) = grep { -x } '/usr/bin/rrsync';
	skip 'there is no rrsync', 12 if !$rrsync;
	my $top = scratch('only_here');
	scratch('only_here/main');
	$ssh->account('only', command => "$rrsync -no-lock $top");
	for my $path ('/', '/main')
	{
		my @place = ('--rsync-shell=no', "only\@127.0.0.1:$path");
		my $file = next_segment($server);
		succeeds("an account of rrsync, $path", 'walpush', @place, $file);
		is(fetched($place[1], $file, $place[0]), '', '... gives it back');
		is(run('walfetch', @place, segment_name(number => 9999), '-')->{code}, 1, '... and tells what is absent');
		succeeds('... and takes another', 'walpush', @place, next_segment($server));
		my $run = run('walpush', '--timeout=2s', $place[1], $file);
		isnt($run->{code}, 0, '... which needs rsync-shell=no') or diag($run->{err});
		like($run->{err}, qr/\Awalpush: error: [^\n]*rsync-shell = no\n\z/, '... and that is said');
	}
}

# ---- what is written is read back

{
	my $runs = sub { scalar(my @all = $daemon->log =~ /rsync on /g) };
	my %count;
	for my $how (qw(yes no))
	{
		my $archive = archive('daemon', "back_$how");
		run('walpush', at($archive), next_segment($server));
		my $before = () = $daemon->log =~ /connect from/g;
		is(run('walpush', "--rsync-read-back=$how", at($archive), next_segment($server))->{code}, 0, "rsync-read-back=$how");
		$count{$how} = (() = $daemon->log =~ /connect from/g) - $before;
	}
	is($count{yes} - $count{no}, 1, '... is one run of rsync');
}

# ---- no question is ever asked

{
	my $known = slurp($ssh->known_hosts);
	end_shared();
	unlink $ssh->known_hosts;
	fails('an unknown host', qr/Host key verification failed.*log in once by hand/, push_with('ssh'));
	spew($ssh->known_hosts, $known);

	my $config = slurp($ssh->config);
	spew($ssh->config, $config =~ s/StrictHostKeyChecking yes/StrictHostKeyChecking ask/r);
	unlink $ssh->known_hosts;
	fails('... also where ssh would ask', qr/Host key verification failed/, push_with('ssh'));
	spew($ssh->known_hosts, $known);
	spew($ssh->config,      $config);

	my $strict = SshServer->start(settings => { PubkeyAuthentication => 'no', PasswordAuthentication => 'yes' });
	fails('an account with a password alone', qr/Permission denied \(password.*ssh must log in with a key/,
		push_with('ssh', '--rsync-rsh=' . $strict->rsh));
	$strict->stop;

	my $locked = $ssh->directory . '/locked';
	must('ssh-keygen', '-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', $locked);
	$ssh->account('wal', key => slurp("$locked.pub"));
	spew($ssh->config, $config =~ s/^IdentityFile.*/IdentityFile $locked/mr);
	fails('a key with a passphrase', qr/Permission denied/, push_with('ssh'));

	# On a terminal they would ask.
	my $archive = archive('ssh', 'asked');
	my $on_terminal = sub {
		my ($location) = @_;
		return run({ env => { RSYNC_PASSWORD => undef } }, 'script', '-qec', "walpush --timeout=4s '$location' '$_[1]'", '/dev/null');
	};
	my $file = next_segment($server);
	unlink $ssh->known_hosts;
	my @runs = ($on_terminal->($archive->{location}, $file));
	spew($ssh->known_hosts, $known);
	push @runs, $on_terminal->($archive->{location}, $file);
	$ssh->account('wal');
	spew($ssh->config, $config);
	push @runs, $on_terminal->(archive('daemon', 'asked')->{location}, $file);
	is(join(' ', map { $_->{code} } @runs), '3 3 3', 'on a terminal: an unknown host, a passphrase, a password') or diag(map { $_->{out} } @runs);
	is(scalar(grep { $_->{out} !~ /\Awalpush: error: [^\n]+\n\z/ } @runs), 0, '... one line each') or diag(map { $_->{out} } @runs);
	in_time($_, 8) for @runs;
	is(push_with($_)->{code}, 0, "$_: and all is well again") for kinds();
}

is(spools(), '', 'nothing is left here');

done_testing;
