package RsyncArchive;

# An archive that rsync reaches, at a real server of its own, by ssh or at a daemon; and what may befall it. The methods are
# described in DirectoryArchive, which it is on the far side.
#
#   my $archive = RsyncArchive->new('archive', 'ssh');
#   my $archive = RsyncArchive->new('archive', 'daemon');

use strict;
use warnings;

use parent 'DirectoryArchive';

use RsyncDaemon ();
use SshServer ();
use WalTest;

my $module = 'archives';

my %both = (
	unreachable => {
		befall    => sub { my ($self) = @_; $self->{server}->kill },
		set_right => sub { my ($self) = @_; $self->{server}->restart },
	},
	stalled => {
		befall    => sub { my ($self) = @_; $self->{server}->suspend },
		set_right => sub { my ($self) = @_; $self->{server}->resume },
	},
	map({ $_ => undef } qw(unmounted damaged hole)),    # DirectoryArchive does it
);

my %plight = (
	ssh => {
		%both,
		key_withdrawn => {
			befall    => sub { my ($self) = @_; $self->{server}->account('wal', key => ''); $self->{server}->hang_up },
			set_right => sub { my ($self) = @_; $self->{server}->account('wal') },
		},
		another_machine => {
			befall    => sub { my ($self) = @_; $self->with_other_key(sub { $_[0]->keep_host_key; $_[0]->new_host_key }) },
			set_right => sub { my ($self) = @_; $self->with_other_key(sub { $_[0]->bring_host_key_back }) },
		},
		noisy => {
			befall => sub {
				my ($self) = @_;
				$self->{server}->account('wal', shell => "#!/bin/sh\necho Welcome\nexec /bin/sh \"\$@\"\n");
				$self->{server}->hang_up;
			},
			set_right => sub { my ($self) = @_; $self->{server}->account('wal'); $self->{server}->hang_up },
		},
	},
	daemon => {
		%both,
		password_changed => {
			befall    => sub { my ($self) = @_; $self->set_password('another') },
			set_right => sub { my ($self) = @_; $self->set_password($self->{server}->password) },
		},
		module_gone => {
			befall    => sub { my ($self) = @_; $self->{server}->remove_module($module) },
			set_right => sub { my ($self) = @_; $self->add_module },
		},
	},
);

# With a server of its own, which its copies share. An empty one.
sub new
{
	my ($class, $name, $kind) = @_;
	my $top  = scratch('far');
	my $self = $class->at("$top/$name");
	scratch("far/$name");
	@$self{qw(top name kind)} = ($top, $name, $kind);
	$self->{server} = $kind eq 'ssh' ? SshServer->start : RsyncDaemon->start;
	$self->add_module if $kind eq 'daemon';
	return $self;
}

sub add_module
{
	my ($self) = @_;
	my $daemon = $self->{server};
	my %users = ('auth users' => 'wal', 'secrets file' => $daemon->secrets);
	$daemon->module($module, path => $self->{top}, 'read only' => 'false', %users);
	return;
}

sub location
{
	my ($self) = @_;
	return $self->{kind} eq 'ssh' ? $self->{server}->location($self->{path}) : $self->{server}->location($module, $self->{name});
}

sub options
{
	my ($self) = @_;
	return $self->{kind} eq 'ssh' ? '--rsync-rsh=' . $self->{server}->rsh : '--rsync-password-file=' . $self->{server}->password_file;
}

# Connections are shared, in a directory with a path that is short enough.
sub environment { return { XDG_RUNTIME_DIR => scratch('x'), TMPDIR => scratch('tmp'), SSH_AUTH_SOCK => undef } }

sub plights { my ($self) = @_; return sort keys %{ $plight{ $self->{kind} } } }

# Any plight may befall any.
sub copy
{
	my ($self, $name) = @_;
	my $path = "$self->{top}/$name";
	system('cp', '-a', '--', $self->{path}, $path) == 0 or die 'cp failed';
	return bless { %$self, %{ ref($self)->at($path) }, name => $name }, ref $self;
}

# ---- what may befall it

sub befall    { my ($self, @plan) = @_; $self->undergo('befall',    @plan); return }
sub set_right { my ($self, @plan) = @_; $self->undergo('set_right', @plan); return }

sub undergo
{
	my ($self, $what, $plight, $segment) = @_;
	my $do = $plight{ $self->{kind} }{$plight};
	return $do->{$what}->($self, $segment) if $do;
	my $method = "SUPER::$what";
	return $self->$method($plight, $segment);
}

sub with_other_key
{
	my ($self, $exchange) = @_;
	my $ssh = $self->{server};
	$ssh->kill;
	$exchange->($ssh);
	$ssh->restart;
	return;
}

sub set_password
{
	my ($self, $password) = @_;
	spew($self->{server}->secrets, "wal:$password\n");
	return;
}

1;
