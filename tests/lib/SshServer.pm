package SshServer;

# A real OpenSSH server for tests, on the loopback interface, as any user; and what a client needs to log in: keys and an ssh_config
# of the test's own. Nothing of whoever runs the tests is used: neither ~/.ssh nor their login shell.
#
#   my $ssh = SshServer->start;
#   my $run = run({ env => $ssh->environment }, 'walpush', $ssh->location($directory), $segment);
#   is($ssh->logins, 1, 'one login');
#   $ssh->stop;
#
# Its accounts are names for the user who runs the test (nss_wrapper(1) makes them), each with a login shell and keys of its own:
# `wal`, whose shell is sh, and those of account().
#
# Connections that ssh(1) shares are ended with the test; those of a test that was killed, by the server, after so many seconds
# without a command (unused, 20).

use strict;
use warnings;

use ServerProcess;
use WalTest;

my $owner = $$;
my $count = 0;
my @started;

END
{
	if ($$ == $owner)
	{
		local $?;
		$_->stop for @started;
	}
}

# Options: unused; settings of sshd_config(5): a hash; login (publickey) and user (wal), which the client's configuration has.
sub start
{
	my ($class, %option) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	demand_programs(qw(sshd ssh ssh-keygen));
	my ($wrapper) = glob '/usr/lib/*/libnss_wrapper.so' or die "libnss_wrapper.so is not there: run scripts/setup\n";
	my ($sshd) = grep { -x } map { "$_/sshd" } split /:/, $ENV{PATH};
	my $self = bless {
		unused  => 20,
		user    => 'wal',
		%option,
		name     => 'sshd' . ++$count,
		port     => reserve_port(),
		program  => $sshd,
		wrapper  => $wrapper,
		accounts => {},
	}, $class;
	$self->{directory} = scratch($self->{name});
	$self->{home}      = scratch("$self->{name}/home");
	chmod 0755, scratch(), $self->{directory};
	scratch("$self->{name}/keys");
	must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', $self->identity);
	$self->account('wal');
	$self->new_host_key;
	$self->know_host;
	$self->write_config;
	push @started, $self;
	return $self->restart;
}

sub write_config
{
	my ($self) = @_;
	my %setting = (
		AuthorizedKeysFile      => "$self->{directory}/keys/%u",
		HostKey                 => "$self->{directory}/host_key",
		ListenAddress           => '127.0.0.1',
		MaxSessions             => 100,
		MaxStartups             => '100:30:200',
		PasswordAuthentication  => 'no',
		PermitRootLogin         => 'prohibit-password',
		PidFile                 => 'none',
		Port                    => $self->{port},
		StrictModes             => 'no',
		UnusedConnectionTimeout => "$self->{unused}s",
		UseDNS                  => 'no',
		UsePAM                  => 'no',
		%{ $self->{settings} // {} },
	);
	spew("$self->{directory}/sshd_config", map { "$_ $setting{$_}\n" } sort keys %setting);
	spew($self->config, map { "$_\n" } $self->client_settings);
	return;
}

sub client_settings
{
	my ($self) = @_;
	return (
		"Port $self->{port}", "User $self->{user}",
		'IdentityFile ' . $self->identity, 'IdentitiesOnly yes', 'IdentityAgent none',
		'UserKnownHostsFile ' . $self->known_hosts, 'GlobalKnownHostsFile none', 'StrictHostKeyChecking yes',
	);
}

# ---- what a client needs

sub port      { return $_[0]{port} }
sub directory { return $_[0]{directory} }
sub host      { return '127.0.0.1' }
sub config    { return "$_[0]{directory}/ssh_config" }

# Of an archive in this directory. Options: user.
sub location
{
	my ($self, $directory, %option) = @_;
	return (defined $option{user} ? "$option{user}\@" : '') . "127.0.0.1:$directory";
}

sub rsh { my ($self) = @_; return 'ssh -F ' . $self->config }

sub environment { my ($self) = @_; return { WALTOOLS_RSYNC_RSH => $self->rsh, SSH_AUTH_SOCK => undef, SSH_ASKPASS => undef } }

sub identity    { return "$_[0]{directory}/identity" }
sub known_hosts { return "$_[0]{directory}/known_hosts" }

# Runs a command over there, as a client of its own would.
sub command
{
	my ($self, @words) = @_;
	return run('ssh', '-F', $self->config, '-oBatchMode=yes', $self->host, @words);
}

# ---- accounts

# Options: shell (sh), a path or, with a newline in it, the script that is to be one; command, which the account runs whatever is
# asked for (authorized_keys, "command="); key, a public one.
sub account
{
	my ($self, $name, %option) = @_;
	my $shell = $option{shell} // '/bin/sh';
	if ($shell =~ /\n/)
	{
		my $script = spew("$self->{directory}/shell_$name", $shell);
		chmod 0755, $script;
		$shell = $script;
	}
	my $key = $option{key} // slurp($self->identity . '.pub');
	$key = qq(command="$option{command}",restrict $key) if $option{command};
	spew("$self->{directory}/keys/$name", $key);
	$self->{accounts}{$name} = $shell;
	$self->write_accounts;
	return $name;
}

# sshd(8) also wants the user that it becomes before somebody has logged in.
sub write_accounts
{
	my ($self) = @_;
	my $group = (split / /, $))[0];
	my @lines = map { "$_:x:$>:$group:$_:$self->{home}:$self->{accounts}{$_}\n" } sort keys %{ $self->{accounts} };
	my @sshd = getpwnam 'sshd';
	push @lines, join(':', 'sshd', 'x', @sshd[ 2, 3 ], '', '/run/sshd', '/usr/sbin/nologin') . "\n" if @sshd;
	spew("$self->{directory}/passwd", @lines);
	spew("$self->{directory}/group", "wal:x:$group:\n");
	return;
}

# ---- the host's key

# Nobody knows the new one until know_host().
sub new_host_key
{
	my ($self) = @_;
	unlink map { "$self->{directory}/host_key$_" } '', '.pub';
	must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', "$self->{directory}/host_key");
	return;
}

sub keep_host_key
{
	my ($self) = @_;
	for my $file (map { "$self->{directory}/host_key$_" } '', '.pub')
	{
		rename $file, "$file.kept" or die "$file: $!";
	}
	return;
}

sub bring_host_key_back
{
	my ($self) = @_;
	for my $file (map { "$self->{directory}/host_key$_" } '', '.pub')
	{
		rename "$file.kept", $file or die "$file: $!";
	}
	return;
}

sub know_host
{
	my ($self) = @_;
	spew($self->known_hosts, "[127.0.0.1]:$self->{port} " . slurp("$self->{directory}/host_key.pub"));
	return;
}

# ---- the server

# As root sshd(8) wants a directory that the system makes where it starts one.
sub restart
{
	my ($self) = @_;
	mkdir '/run/sshd', 0755 if $> == 0;
	$self->{process} = ServerProcess->start(
		name    => $self->{name},
		command => [ $self->{program}, '-D', '-e', '-f', "$self->{directory}/sshd_config" ],
		env     => {
			LD_PRELOAD         => $self->{wrapper},
			NSS_WRAPPER_PASSWD => "$self->{directory}/passwd",
			NSS_WRAPPER_GROUP  => "$self->{directory}/group",
		},
	);
	$self->{process}->wait_for_port($self->{port});
	return $self;
}

sub pid { my ($self) = @_; return $self->{process}->pid }
sub log { my ($self) = @_; return slurp($self->{process}{output}) }

# How often somebody has logged in so far.
sub logins { my ($self) = @_; return scalar(my @all = $self->log =~ /^Accepted publickey/mg) }

# At once, with all connections and what runs in them.
sub kill
{
	my ($self) = @_;
	CORE::kill 'STOP', $self->pid;    # nobody may come in between
	my @all = descendants($self->pid);
	$self->{process}->kill_now;
	CORE::kill 'KILL', @all;
	wait_until { !grep { is_alive($_) } @all } 10;
	return;
}

# The processes that a process has started, and those that they have: connections have sessions of their own.
sub descendants
{
	my ($pid) = @_;
	my %children;
	for my $stat (map { eval { slurp($_) } // () } glob '/proc/[0-9]*/stat')
	{
		push @{ $children{$2} }, $1 if $stat =~ /^(\d+) .*\) \S (\d+) /s;
	}
	my @found = $pid;
	push @found, @{ $children{$_} // [] } for @found;
	return @found[ 1 .. $#found ];
}

# Whoever should collect a dead process may take his time.
sub is_alive { my ($pid) = @_; return (eval { slurp("/proc/$pid/stat") } // '') =~ /\) [^ZX] /; }

# Nothing moves any more, until resume().
sub suspend { my ($self) = @_; CORE::kill 'STOP', $self->pid, descendants($self->pid); return }
sub resume  { my ($self) = @_; CORE::kill 'CONT', $self->pid, descendants($self->pid); return }

# Whoever wants to go on must log in again.
sub hang_up
{
	my ($self) = @_;
	my @all = descendants($self->pid);
	CORE::kill 'KILL', @all;
	wait_until { !grep { is_alive($_) } @all } 10;
	return;
}

sub stop
{
	my ($self) = @_;
	$self->kill if $self->{process} && $self->{process}->is_running;
	return;
}

1;
