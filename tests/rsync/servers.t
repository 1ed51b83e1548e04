# The servers that the tests of rsync's archives run against are what they say: OpenSSH's and rsync's own. And nothing of them
# outlives a test.

use FindBin;
use lib "$FindBin::Bin/../lib";
use RsyncTest;
use ServerProcess;

my $content = join '', map { "$_\n" } 1 .. 20_000;
my $file    = spew(scratch() . '/content', $content);

# ---- ssh

{
	my $ssh = ssh_server();
	my $rsh = $ssh->rsh;
	my $run = $ssh->command('echo "$0 $USER $HOME"');
	is($run->{out}, 'sh wal ' . $ssh->directory . "/home\n", 'a command runs in the shell of an account of its own') or diag($run->{err});
	is($ssh->logins, 1, 'a login is counted');
	ok(grep({ $_ eq $ssh->pid } SshServer::descendants($$)), 'its process is known');
	unlike(run('ssh', '-G', '-F', $ssh->config, $ssh->host)->{out}, qr{^(?:userknownhosts|identity)file.*~}m, 'no ~/.ssh is used');

	my $to = scratch('by_ssh');
	is(run('rsync', '-e', $rsh, $file, $ssh->location("$to/"))->{code}, 0, 'rsync is there');
	is(slurp("$to/content"), $content, '... and brings a file');

	$ssh->account('noisy', shell => "#!/bin/sh\necho Welcome\nexec /bin/sh \"\$\@\"\n");
	is(run('ssh', '-F', $ssh->config, 'noisy@127.0.0.1', 'echo hello')->{out}, "Welcome\nhello\n", 'an account with another shell');
	$ssh->account('fixed', command => 'echo no choice');
	is(run('ssh', '-F', $ssh->config, 'fixed@127.0.0.1', 'echo hello')->{out}, "no choice\n", 'an account with one command');
	my @batch = ('ssh', '-F', $ssh->config, '-oBatchMode=yes');
	like(run(@batch, 'nobody_here@127.0.0.1', 'true')->{err}, qr/Permission denied/, 'who has no account is refused');

	$ssh->stop;
	$ssh->new_host_key;
	$ssh->restart;
	like($ssh->command('true')->{err}, qr/Host key verification failed/, 'a new host key is not known');
	$ssh->know_host;
	is($ssh->command('true')->{code}, 0, '... until it is');

	my $sleeper = ServerProcess->start(name => 'sleeper', command => [ @batch, $ssh->host, 'sleep 1234' ]);
	ok((wait_until { return runs('sleep 1234') } 10), 'something runs over there');
	$ssh->kill;
	ok((wait_until { !$sleeper->is_running } 10), 'a server that is killed ends it');
	ok(!runs('sleep 1234'), '... on both sides');
	is($ssh->command('true')->{code}, 255, '... and does not answer');
	$ssh->restart;
	is($ssh->command('true')->{code}, 0, '... until it runs again');

	my $strict = SshServer->start(settings => { PubkeyAuthentication => 'no', PasswordAuthentication => 'yes' });
	isnt($strict->port, $ssh->port, 'two servers have two ports');
	like($strict->command('true')->{err}, qr/Permission denied \(password/, 'a server that wants a password');
	$strict->stop;
}

# ---- the daemon

{
	my $daemon = rsync_daemon();
	my $rsync = sub { my ($environment, @arguments) = @_; return run({ env => $environment }, 'rsync', @arguments) };
	my %wrong = (RSYNC_PASSWORD => 'wrong');
	is($rsync->($daemon->environment, $file, $daemon->location('wal') . '/')->{code}, 0, 'the user with the password may write');
	is(slurp($daemon->path('wal') . '/content'), $content, '... where the module is');
	is($rsync->(\%wrong, $file, $daemon->location('wal') . '/')->{code}, 5, 'another password is refused');
	is($rsync->({}, '--password-file=' . $daemon->password_file, $daemon->location('wal') . '/')->{code}, 0, 'it is in a file too');
	is($rsync->({ RSYNC_PASSWORD => undef }, $daemon->location('ro') . '/content', scratch() . '/read')->{code}, 0, 'anybody may read');
	is(slurp(scratch() . '/read'), $content, '... the same');
	like($rsync->({}, $file, $daemon->location('ro') . '/')->{err}, qr/module is read only/, '... and nothing else');
	is($rsync->({}, $file, $daemon->location('open') . '/')->{code}, 0, 'where anybody may write');
	$daemon->module('slow', 'read only' => 'yes', comment => 'another');
	like($rsync->({}, 'rsync://127.0.0.1:' . $daemon->port . '/')->{out}, qr/^slow\s+another$/m, 'a module can be added');
	like($daemon->log, qr/rsync to wal.* from wal\@/, 'the log says who did what');
	$daemon->kill;
	is($rsync->($daemon->environment, $daemon->location('wal') . '/')->{code}, 10, 'nobody listens where it was');
	$daemon->restart;
	is($rsync->($daemon->environment, $daemon->location('wal') . '/')->{code}, 0, 'until it runs again');
}

# ---- nothing is left

sub left { return (runs($_[0]), grep { CORE::kill 0, $_ } @_[ 1 .. $#_ ]) }

{
	my $there   = scratch('k');
	my $program = spew(scratch() . '/killed.pl', <<'EOT');
use RsyncTest; use SshServer;
$ENV{XDG_RUNTIME_DIR} = $ENV{TEST_DIRECTORY};    # a path short enough for connections that stay
my $ssh = SshServer->start(unused => 1);
RsyncTest::reach($ssh);
my $daemon = rsync_daemon();
my $run = run('walpush', $ssh->location(scratch('far')), put_segment(data_directory('server')));
my $sign = "$ENV{TEST_DIRECTORY}/ready";
spew("$sign.new", join ' ', $run->{code}, SshServer::descendants($ssh->pid));
rename "$sign.new", $sign;
sleep 60;
EOT
	my $test = ServerProcess->start(
		name    => 'test',
		command => [ $^X, "-I$FindBin::Bin/../lib", $program ],
		env     => { TMPDIR => $there, TEST_DIRECTORY => $there },
	);
	$test->wait_for('two servers', sub { -e "$there/ready" });
	my ($code, @connections) = split / /, slurp("$there/ready");
	is($code, 0, 'a push whose connection stays') or diag($test->log_tail);
	ok(@connections > 0, '... is served');
	is(scalar(my @all = runs("$there/")), 3, 'both servers run, and ssh');
	kill 'KILL', $test->pid;
	ok((wait_until { return !left("$there/", @connections) } 15), 'they go when the test is killed')
	  or diag(left("$there/", @connections));
}
{
	my $ssh = ssh_server();
	my $run = run('walpush', at(archive('ssh', 'last')), put_segment(data_directory('server')));
	is($run->{code}, 0, 'a push') or diag($run->{err});
	is(scalar(my @sockets = shared()), 1, '... leaves its connection');
	my @connections = SshServer::descendants($ssh->pid);
	end_shared();
	ok((wait_until { return !left(shared() || $sockets[0], @connections) } 10), '... until it is ended');
	$ssh->stop;
	rsync_daemon()->stop;
	is_deeply([ runs(scratch()) ], [], 'nothing runs when the servers are stopped');
}

done_testing();
