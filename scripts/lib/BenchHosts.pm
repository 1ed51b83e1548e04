package BenchHosts;

# An OpenSSH server and an rsync daemon for the bench: of their own keys and configuration, on free ports, stopped by their pids
# when the part ends. Both write below one directory.
#
#   my $hosts = BenchHosts->start(address => '127.0.0.1', archives => $directory);
#   $hosts->ssh('10.99.0.1');       # "ssh -F FILE": with it the host `bench` is this server, at this address
#   $hosts->module('10.99.0.1');    # "rsync://10.99.0.1:PORT/bench": the directory

use strict;
use warnings;

use BenchShell;
use FindBin;
use lib "$FindBin::Bin/../tests/lib";
use ServerProcess qw(reserve_port);

our @PROGRAMS = qw(rsync ssh ssh-keygen /usr/sbin/sshd setpriv);

# Options: address (where to listen), archives (the directory).
sub start
{
	my ($class, %option) = @_;
	my $self = bless { %option, files => scratch('hosts'), ssh_port => reserve_port(), rsync_port => reserve_port() }, $class;
	local $ENV{TMPDIR} = scratch();
	mkdir $_, 0700 or fail("$_: $!") for $self->{files}, "$self->{files}/home";
	$self->make_keys;
	$self->{sshd} = ServerProcess->start(name => 'sshd', command => $self->ssh_server);
	$self->{rsyncd} = ServerProcess->start(name => 'rsyncd', command => $self->rsync_daemon);
	$self->{sshd}->wait_for_port($self->{ssh_port});
	$self->{rsyncd}->wait_for_port($self->{rsync_port});
	return $self;
}

sub make_keys
{
	my ($self) = @_;
	shell("ssh-keygen -q -t ed25519 -N '' -C bench -f $self->{files}/$_") for qw(user host);
	write_file("$self->{files}/known", 'bench ' . read_file("$self->{files}/host.pub"));
	return;
}

# Whoever runs the bench logs in, to a home without start-up files: what a login shell does in those is not to be measured. A
# server that root starts wants /run/sshd, which is there where ssh is a service.
sub ssh_server
{
	my ($self) = @_;
	my $files = $self->{files};
	mkdir '/run/sshd', 0755 if $> == 0;
	write_file(
		"$files/sshd_config", <<~CONF);
		Port $self->{ssh_port}
		ListenAddress $self->{address}
		HostKey $files/host
		PidFile none
		AuthorizedKeysFile $files/user.pub
		AuthenticationMethods publickey
		StrictModes no
		UsePAM no
		PermitRootLogin prohibit-password
		SetEnv HOME=$files/home
		CONF
	return [ '/usr/sbin/sshd', '-D', '-e', '-f', "$files/sshd_config" ];
}

# Without TCP_NODELAY it waits for the acknowledgement of what it has sent before.
sub rsync_daemon
{
	my ($self) = @_;
	my $files = $self->{files};
	my $user  = $> == 0 ? "uid = root\ngid = root\n" : '';
	write_file("$files/rsyncd.conf", $user . <<~CONF);
		address = $self->{address}
		port = $self->{rsync_port}
		log file = $files/rsyncd.log
		socket options = TCP_NODELAY
		use chroot = no
		reverse lookup = no
		[bench]
		  path = $self->{archives}
		  read only = no
		CONF
	return [ 'rsync', '--daemon', '--no-detach', "--config=$files/rsyncd.conf" ];
}

sub ssh
{
	my ($self, $address) = @_;
	my $file = "$self->{files}/ssh_config.$address";
	my $user = getpwuid $>;
	write_file(
		$file, <<~CONF);
		Host bench
		  HostName $address
		  Port $self->{ssh_port}
		  User $user
		  HostKeyAlias bench
		  UserKnownHostsFile $self->{files}/known
		  IdentityFile $self->{files}/user
		  IdentitiesOnly yes
		  BatchMode yes
		CONF
	return "ssh -F $file";
}

sub module
{
	my ($self, $address) = @_;
	return "rsync://$address:$self->{rsync_port}/bench";
}

1;
