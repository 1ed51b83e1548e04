package PgServer;

# A PostgreSQL server of any major in a data directory that PgTest has made: started, asked, waited for, stopped. It is stopped
# at the test's end, however that comes.

use strict;
use warnings;

use File::Temp ();
use PgStage ();
use WalTest;

my $clients   = PgStage::clients();    # psql and pgbench of Debian talk to every major
my $owner     = $$;
my $next_port = 5432;                  # no more than a socket's name: nothing listens on TCP
my @servers;

END
{
	if ($$ == $owner)
	{
		local $?;
		$_->kill_it for grep { $_->{started} } @servers;
	}
}

sub new
{
	my ($class, $name, %option) = @_;
	my $self = bless {
		%option,
		name => $name,
		bin  => PgStage::bin($option{major}),
		data => scratch() . "/$name",
		log  => scratch() . "/$name.log",
		port => $next_port++,
		environment => { HOME => scratch("home/$name") },    # as on a machine of its own
	}, $class;
	push @servers, $self;
	return $self;
}

sub major         { return $_[0]{major} }
sub data          { return $_[0]{data} }
sub name          { return $_[0]{name} }
sub segment_bytes { return $_[0]{segment_mb} << 20 }

# Runs a command and dies, with all it said, when it fails.
sub must
{
	my @command = @_;
	my $run     = run(@command);
	my @words   = ref $command[0] ? @command[ 1 .. $#command ] : @command;
	die "@words: exit code $run->{code}, signal $run->{signal}\n$run->{out}$run->{err}"
	  if $run->{code} != 0 || $run->{signal} != 0;
	return $run->{out};
}

# Socket paths have 107 bytes: a long TMPDIR is too long for them.
my $socket_directory;

sub socket_directory
{
	return $socket_directory //=
	  length scratch() < 80 ? scratch('s') : File::Temp::tempdir('/tmp/waltest.XXXXXX', CLEANUP => 1);
}

sub conninfo
{
	my ($self) = @_;
	return 'host=' . socket_directory() . " port=$self->{port} user=postgres application_name=standby";
}

# ---- running

# True when the server accepts connections, a standby's or a recovery's that can be read from included.
sub try_start
{
	my ($self) = @_;
	return run($self->pg_ctl_start(timeout => 90), '-w', '-t', '60')->{code} == 0;
}

sub start_without_waiting
{
	my ($self) = @_;
	must($self->pg_ctl_start, '-W');
	wait_until { $self->is_running } or die "$self->{name} does not start:\n" . $self->log_tail;
	return $self;
}

# For run(), with its options.
sub pg_ctl_start
{
	my ($self, %option) = @_;
	$self->{started} = 1;
	$option{env} = $self->{environment};
	return (\%option, "$self->{bin}/pg_ctl", 'start', '-D', $self->{data}, '-l', $self->{log}, '-o', "-p $self->{port}");
}

sub start
{
	my ($self) = @_;
	$self->try_start or die "$self->{name} does not start:\n" . $self->log_tail;
	return $self;
}

sub stop
{
	my ($self, $mode) = @_;
	must("$self->{bin}/pg_ctl", '-D', $self->{data}, '-m', $mode // 'fast', '-w', '-t', '60', 'stop');
	$self->{started} = 0;
	return;
}

# The power fails: nothing is flushed, nothing archived.
sub crash
{
	my ($self) = @_;
	$self->stop('immediate');
	return;
}

sub restart
{
	my ($self) = @_;
	$self->stop;
	return $self->start;
}

sub reload
{
	my ($self) = @_;
	must("$self->{bin}/pg_ctl", '-D', $self->{data}, 'reload');
	return;
}

sub promote
{
	my ($self) = @_;
	if   ($self->{trigger}) { spew($self->{trigger}, '') }
	else                    { must("$self->{bin}/pg_ctl", '-D', $self->{data}, 'promote') }
	$self->wait_writable;
	return;
}

sub pid
{
	my ($self) = @_;
	my $file = "$self->{data}/postmaster.pid";
	my $content = eval { slurp($file) } // return;
	return $content =~ /^(\d+)\n/ ? $1 : undef;
}

sub is_running
{
	my ($self) = @_;
	my $pid = $self->pid;
	return defined $pid && kill(0, $pid) == 1;
}

# For the end of a test, however it comes.
sub kill_it
{
	my ($self) = @_;
	my $pid = $self->pid // return;
	kill 'QUIT', $pid;
	eval { wait_until { !$self->is_running } 10 } or kill 'KILL', $pid;
	return;
}

# ---- asking it

sub psql
{
	my ($self) = @_;
	return ("$clients/psql", '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h', socket_directory(), '-p', $self->{port},
		'-U', 'postgres', '-d', 'postgres');
}

# Runs SQL; returns what psql prints, without the last newline. Dies on an error.
sub sql
{
	my ($self, @statements) = @_;
	chomp(my $out = must($self->psql, map { ('-c', $_) } @statements));
	return $out;
}

# The same, but an error is an empty answer: for waiting.
sub try_sql
{
	my ($self, @statements) = @_;
	my $run = run($self->psql, map { ('-c', $_) } @statements);
	chomp(my $out = $run->{out});
	return $run->{code} == 0 ? $out : '';
}

sub pgbench
{
	my ($self, @options) = @_;
	must("$clients/pgbench", '-h', socket_directory(), '-p', $self->{port}, '-U', 'postgres', @options, 'postgres');
	return;
}

# Waits until SQL prints this; dies, with the log's end, when it never does.
sub wait_for
{
	my ($self, $sql, $expected, $timeout) = @_;
	my $last;
	wait_until { ($last = $self->try_sql($sql)) eq $expected } $timeout
	  or die "$self->{name}: $sql never was '$expected' but '$last'; its log:\n" . $self->log_tail;
	return;
}

sub wait_writable
{
	my ($self) = @_;
	$self->wait_for('SELECT pg_is_in_recovery()', 'f');
	return;
}

# Waits until a recovery has come to an end without a server: it stopped.
sub wait_stopped
{
	my ($self, $timeout) = @_;
	my $stopped = wait_until { !$self->is_running } $timeout;
	$self->{started} = 0 if $stopped;
	return $stopped;
}

sub lsn
{
	my ($self) = @_;
	return $self->sql('SELECT pg_current_wal_lsn()');
}

sub wait_replayed
{
	my ($self, $lsn) = @_;
	$self->wait_for("SELECT pg_last_wal_replay_lsn() >= '$lsn'", 't');
	return;
}

sub timeline
{
	my ($self) = @_;
	return hex substr $self->segment, 0, 8;
}

# The segment that the next record goes to.
sub segment
{
	my ($self) = @_;
	return $self->sql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
}

# Finishes the segment; returns its name.
sub switch_wal
{
	my ($self) = @_;
	return $self->sql('SELECT pg_walfile_name(pg_switch_wal())');
}

# Waits until the archiver has done with a file: after three failures it pauses for a minute.
sub wait_archived
{
	my ($self, $name) = @_;
	my $status = "$self->{data}/pg_wal/archive_status/$name";
	wait_until { -e "$status.done" || (!-e "$status.ready" && !-e "$self->{data}/pg_wal/$name") }
	  or die "$self->{name} does not archive $name; its log:\n" . $self->log_tail;
	return;
}

# Finishes the segment and waits until it is in the archive; returns its name.
sub archive_segment
{
	my ($self) = @_;
	my $name = $self->switch_wal;
	$self->wait_archived($name);
	return $name;
}

# How often archive_command has failed.
sub archive_failures
{
	my ($self) = @_;
	return $self->sql('SELECT failed_count FROM pg_stat_archiver');
}

# ---- its log

sub log_text
{
	my ($self) = @_;
	return -e $self->{log} ? slurp($self->{log}) : '';
}

sub log_tail
{
	my ($self) = @_;
	my @lines = split /^/, $self->log_text;
	splice @lines, 0, -40 if @lines > 40;
	return join '', map { "# $_" } @lines;
}

# What the log says from now on: my $new = $node->log_mark; ... like($new->(), qr/.../).
sub log_mark
{
	my ($self) = @_;
	my $length = length $self->log_text;
	return sub { return substr $self->log_text, $length };
}

1;
