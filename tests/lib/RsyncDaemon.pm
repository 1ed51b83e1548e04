package RsyncDaemon;

# A real rsync daemon for tests, on the loopback interface, as any user; ends with the test.
#
#   my $daemon = RsyncDaemon->start;
#   my $run = run({ env => $daemon->environment }, 'walpush', $daemon->location('wal', 'main'), $segment);    # rsync://wal@.../wal/main
#   ok(-e $daemon->path('wal') . '/main/...');
#
# Its modules:
#
#   wal     may be written, by the user wal with a password
#   ro      the same directory, to be read only, by anybody
#   open    may be written by anybody
#   others  module(NAME, SETTING => VALUE ...), from the next connection on

use strict;
use warnings;

use ServerProcess;
use WalTest;

my $count = 0;

# Options: settings, of rsyncd.conf(5): a hash.
sub start
{
	my ($class, %option) = @_;
	demand_programs('rsync');
	my $self = bless { %option, name => 'rsyncd' . ++$count, port => reserve_port(), modules => {} }, $class;
	$self->{directory} = scratch($self->{name});
	spew($self->secrets, 'wal:' . $self->password . "\n");
	spew($self->password_file, $self->password . "\n");
	chmod 0600, $self->secrets, $self->password_file;
	$self->module('wal', 'read only' => 'false', 'auth users' => 'wal', 'secrets file' => $self->secrets);
	$self->module('ro', path => $self->path('wal'));
	$self->module('open', 'read only' => 'false');
	return $self->restart;
}

# A module, whose directory is made unless a path is given. Returns its name.
sub module
{
	my ($self, $name, %setting) = @_;
	$setting{path} //= scratch("$self->{name}/$name");
	$self->{modules}{$name} = \%setting;
	$self->write_config;
	return $name;
}

sub remove_module
{
	my ($self, $name) = @_;
	delete $self->{modules}{$name};
	$self->write_config;
	return;
}

# In one step: the daemon reads the file for each connection. As root it would work as nobody.
sub write_config
{
	my ($self) = @_;
	my @user = $> == 0 ? (uid => 0, gid => 0) : ();
	my %global = (
		address      => '127.0.0.1',
		'log file'   => $self->log_file,
		port         => $self->{port},
		'use chroot' => 'no',
		@user,
		%{ $self->{settings} // {} },
	);
	my $file = $self->config;
	spew("$file.new", section(undef, %global), map { section($_, %{ $self->{modules}{$_} }) } sort keys %{ $self->{modules} });
	rename "$file.new", $file or die "$file: $!";
	return;
}

sub section
{
	my ($name, %setting) = @_;
	return ((defined $name ? "[$name]\n" : ()), map { "$_ = $setting{$_}\n" } sort keys %setting);
}

# ---- what a client needs

sub port          { return $_[0]{port} }
sub host          { return '127.0.0.1' }
sub password      { return 'secret: of "rsync" & ours' }
sub password_file { return "$_[0]{directory}/password" }
sub environment   { my ($self) = @_; return { RSYNC_PASSWORD => $self->password } }

# rsync://wal@127.0.0.1:PORT/MODULE/PATH. Options: user.
sub location
{
	my ($self, $module, $path, %option) = @_;
	my $user = $option{user} // ($self->{modules}{$module}{'auth users'} // '');
	return 'rsync://' . ($user ne '' ? "$user\@" : '') . "127.0.0.1:$self->{port}/$module" . (defined $path ? "/$path" : '');
}

# ---- the server

sub config   { return "$_[0]{directory}/rsyncd.conf" }
sub secrets  { return "$_[0]{directory}/secrets" }
sub log_file { return "$_[0]{directory}/log" }

# The directory of a module.
sub path { my ($self, $module) = @_; return $self->{modules}{$module}{path} }

sub restart
{
	my ($self) = @_;
	$self->{process} = ServerProcess->start(
		name    => $self->{name},
		command => [ 'rsync', '--daemon', '--no-detach', '--config=' . $self->config ],
		logs    => [ $self->log_file ],
	);
	$self->{process}->wait_for_port($self->{port});
	return $self;
}

sub pid { my ($self) = @_; return $self->{process}->pid }
sub log { my ($self) = @_; return slurp($self->log_file) }

# At once, with all that serves a connection.
sub kill { my ($self) = @_; $self->{process}->kill_now; return }

# Nothing moves any more, until resume().
sub suspend { my ($self) = @_; CORE::kill 'STOP', -$self->pid; return }
sub resume  { my ($self) = @_; CORE::kill 'CONT', -$self->pid; return }

sub stop { my ($self) = @_; $self->{process}->kill_now; return }

1;
