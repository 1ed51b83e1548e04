package PgTest;

# PostgreSQL clusters of any major for tests, all in the test's scratch directory, all gone when the test ends.
#
#   use PgTest major => 12;               # skips the test when that major cannot be had; 15 is Debian's, never skipped
#   my $primary = PgTest->new('primary'); # nothing on disk yet
#   $primary->init;
#   $primary->archive_to($archive);
#   $primary->start;
#   $primary->backup($dir);
#   my $standby = PgTest->from_backup('standby', $dir);
#   $standby->follow(archive => $archive, primary => $primary);
#
# Several majors: use PgTest majors => [10, 12]; then have_major(12), and PgTest->new('name', major => 12).
#
# PostgreSQL refuses to run as root. A test started by root copies what it needs (the programs under test, tests/lib, itself)
# into its scratch directory and starts itself again as the user nobody, at the `use` line.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp ();
use POSIX ();
use Test::More ();
use WalTest;

my $clients  = '/usr/lib/postgresql/15/bin';    # psql and pgbench of Debian talk to every major
my $owner    = $$;
my $next_port = 5432;                           # no more than a socket's name: nothing listens on TCP
my @nodes;
my $default_major;

sub import
{
	my ($class, %option) = @_;
	my @majors = @{ $option{majors} // [ $option{major} // 15 ] };
	$default_major = $majors[0];
	if (!$ENV{TEST_STAGED})
	{
		provide($_) for @majors;
		Test::More::plan(skip_all => why_not($majors[0])) if @majors == 1 && !have_major($majors[0]);
		start_again_as_nobody(@{ $option{programs} // [] }) if $> == 0;
	}
	no strict 'refs';
	*{ caller() . '::have_major' } = \&have_major;
	*{ caller() . '::why_not' }    = \&why_not;
	return;
}

END
{
	if ($$ == $owner)
	{
		local $?;
		$_->kill_it for grep { $_->{started} } @nodes;
	}
}

# ---- which PostgreSQL

# The environment remembers where each major is, or why it is not, for the run as nobody.
sub provide
{
	my ($major) = @_;
	my $name = "TEST_PG_$major";
	if ($major == 15)
	{
		-x "$clients/postgres" or die "$clients/postgres is not there: run scripts/setup\n";
		$ENV{$name} = $clients;
		return;
	}
	my $run = run({ timeout => 600 }, repository() . '/scripts/fetch-postgres', $major);
	chomp(my $reason = $run->{err});
	die "scripts/fetch-postgres $major: $reason\n" if $run->{code} != 0 && $run->{code} != 75;
	chomp(my $bin = $run->{out});
	$ENV{$name} = $run->{code} == 0 ? $bin : 'not here: ' . (split /\n/, $reason)[-1];
	return;
}

sub have_major { return ($ENV{"TEST_PG_$_[0]"} // '') =~ m{^/} }

sub why_not { return "PostgreSQL $_[0] is " . $ENV{"TEST_PG_$_[0]"} }

# ---- as an unprivileged user

sub start_again_as_nobody
{
	my @extra = @_;
	my $root  = scratch();
	my $test  = 'tests/' . basename(dirname(abs_path($0))) . '/' . basename($0);
	my $bin   = dirname(program('walpush'));
	copy_to(scratch('build'), $bin);
	rename "$root/build/" . basename($bin), "$root/build/bin" if basename($bin) ne 'bin';
	copy_to(scratch('build/tests'), map { program($_) } @extra) if @extra;
	copy_to(scratch('tests'), repository() . '/tests/lib');
	copy_to(scratch(dirname($test)), abs_path($0));
	for my $name (grep { /^TEST_PG_/ && have_major(substr $_, 8) } keys %ENV)
	{
		$ENV{$name} = where_nobody_reads($ENV{$name});
	}

	my @nobody = as_nobody();
	system('chown', '-R', 'nobody:nogroup', $root) == 0 or die 'chown failed';
	$ENV{TEST_BIN}     = "$root/build/bin";
	$ENV{TEST_SCRATCH} = $root;
	$ENV{TEST_STAGED}  = 1;
	$ENV{HOME}         = $root;
	chdir $root or die "$root: $!";
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	exec @nobody, $^X, "$root/$test" or die "setpriv: $!";
}

sub as_nobody { return qw(setpriv --reuid=nobody --regid=nogroup --clear-groups) }

sub copy_to
{
	my ($to, @from) = @_;
	system('cp', '-a', '--', @from, $to) == 0 or die "cannot copy @from to $to\n";
	return;
}

# A PostgreSQL below a directory that only root may enter is copied too.
sub where_nobody_reads
{
	my ($bin) = @_;
	my @nobody = as_nobody();
	return $bin if system("@nobody test -x '$bin/postgres' 2>/dev/null") == 0;
	my $major = basename(dirname($bin));
	copy_to(scratch('postgres'), dirname($bin));
	return scratch() . "/postgres/$major/bin";
}

# ---- a cluster: made, configured

# Options: major, segment_mb (size of a WAL segment, from 11 on).
sub new
{
	my ($class, $name, %option) = @_;
	my $self = bless {
		name       => $name,
		major      => $option{major} // $default_major,
		segment_mb => $option{segment_mb} // 16,
		data       => scratch() . "/$name",
		log        => scratch() . "/$name.log",
		port       => $next_port++,
		settings   => 0,
	}, $class;
	$self->{bin} = $ENV{"TEST_PG_$self->{major}"};
	push @nodes, $self;
	return $self;
}

sub major    { return $_[0]{major} }
sub data     { return $_[0]{data} }
sub name     { return $_[0]{name} }
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

sub init
{
	my ($self, @options) = @_;
	push @options, "--wal-segsize=$self->{segment_mb}" if $self->{segment_mb} != 16;
	must("$self->{bin}/initdb", '-D', $self->{data}, '-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C',
		@options);
	my $segment_mb = $self->{segment_mb};
	$self->configure(
		listen_addresses          => '',
		shared_buffers            => '8MB',
		max_connections           => 10,
		max_wal_senders           => 4,
		max_worker_processes      => 2,
		wal_level                 => 'replica',
		hot_standby               => 'on',
		fsync                     => 'off',
		autovacuum                => 'off',
		checkpoint_timeout        => '1h',
		min_wal_size              => 2 * $segment_mb . 'MB',
		max_wal_size              => 64 * $segment_mb . 'MB',
		wal_retrieve_retry_interval => '200ms',
		log_line_prefix           => '%m [%p] ',
		unix_socket_directories   => socket_directory(),
	);
	return $self;
}

# A node on a copy of a base backup.
sub from_backup
{
	my ($class, $name, $backup, %option) = @_;
	my $self = $class->new($name, %option);
	$self->{data_from} = $backup;
	must('cp', '-a', '--', $backup, $self->{data});
	return $self;
}

# Appends to postgresql.conf; the last one wins.
sub configure
{
	my ($self, %setting) = @_;
	append("$self->{data}/postgresql.conf", map { "$_ = " . quoted($setting{$_}) . "\n" } sort keys %setting);
	return $self;
}

sub append
{
	my ($path, @lines) = @_;
	open my $out, '>>', $path or die "$path: $!";
	print {$out} @lines;
	close $out or die "$path: $!";
	return;
}

sub quoted
{
	my ($value) = @_;
	$value =~ s/'/''/g;
	return "'$value'";
}

# Socket paths have 107 bytes: a long TMPDIR is too long for them.
my $socket_directory;

sub socket_directory
{
	return $socket_directory //=
	  length scratch() < 80 ? scratch('s') : File::Temp::tempdir('/tmp/waltest.XXXXXX', CLEANUP => 1);
}

# Archives with walpush. Options: mode (on; always), options (of walpush).
sub archive_to
{
	my ($self, $archive, %option) = @_;
	return $self->configure(
		archive_mode    => $option{mode} // 'on',
		archive_command => join ' ', '"' . program('walpush') . '"', @{ $option{options} // [] }, qq("$archive" "%p"),
	);
}

sub restore_command
{
	my ($archive, @options) = @_;
	return join ' ', '"' . program('walfetch') . '"', @options, qq("$archive" "%f" "%p");
}

# Makes the node a standby, before its start. Options: archive or restore_command; primary (a node to stream from);
# cleanup (an archive_cleanup_command). Below 12 it is promoted by its trigger file.
sub follow
{
	my ($self, %option) = @_;
	my %setting = (restore_command => $option{restore_command} // restore_command($option{archive}));
	$setting{archive_cleanup_command} = $option{cleanup}             if $option{cleanup};
	$setting{primary_conninfo}        = $option{primary}->conninfo   if $option{primary};
	$setting{recovery_target_timeline} = 'latest';
	return $self->recovery('standby', %setting);
}

# Makes the node a point-in-time recovery, before its start. Options: archive or restore_command; any recovery_target_*.
sub recover
{
	my ($self, %option) = @_;
	my $archive = delete $option{archive};
	$option{restore_command} //= restore_command($archive);
	$option{recovery_target_timeline} //= 'latest';
	$option{recovery_target_action} //= 'promote' if grep { /^recovery_target_(?:name|time|xid|lsn)$/ } keys %option;
	return $self->recovery('recovery', %option);
}

sub recovery
{
	my ($self, $signal, %setting) = @_;
	if ($self->{major} >= 12)
	{
		$self->configure(%setting);
		spew("$self->{data}/$signal.signal", '');
		return $self;
	}
	if ($signal eq 'standby')
	{
		$self->{trigger} = $setting{trigger_file} = scratch() . "/$self->{name}.trigger";
		$setting{standby_mode} = 'on';
	}
	spew($self->signal_file, map { "$_ = " . quoted($setting{$_}) . "\n" } sort keys %setting);
	return $self;
}

# The file that says that this cluster recovers: gone when the recovery has ended.
sub signal_file
{
	my ($self) = @_;
	return "$self->{data}/recovery.conf" if $self->{major} < 12;
	return (grep { -e } map { "$self->{data}/$_.signal" } qw(standby recovery))[0] // "$self->{data}/recovery.signal";
}

# Ends or begins what others may stream from this node.
sub allow_replication
{
	my ($self, $allowed) = @_;
	my $method = $allowed ? 'trust' : 'reject';
	spew("$self->{data}/pg_hba.conf", "local all all trust\nlocal replication all $method\n");
	$self->reload;
	$self->sql('SELECT pg_terminate_backend(pid) FROM pg_stat_replication') unless $allowed;
	return;
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
	return run({ timeout => 90 }, $self->pg_ctl_start, '-w', '-t', '60')->{code} == 0;
}

sub start_without_waiting
{
	my ($self) = @_;
	must($self->pg_ctl_start, '-W');
	wait_until { $self->is_running } or die "$self->{name} does not start:\n" . $self->log_tail;
	return $self;
}

sub pg_ctl_start
{
	my ($self) = @_;
	$self->{started} = 1;
	return ("$self->{bin}/pg_ctl", 'start', '-D', $self->{data}, '-l', $self->{log}, '-o', "-p $self->{port}");
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

# Waits until the archiver has done with a file.
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

# A base backup into a directory, by the low-level functions, which are the same idea in every major (pg_basebackup 15 refuses
# servers newer than itself). Comes back when PostgreSQL says that all its WAL is archived.
sub backup
{
	my ($self, $to) = @_;
	my ($begin, $end) =
	  $self->{major} >= 15
	  ? ("pg_backup_start('backup', true)", 'pg_backup_stop(true)')
	  : ("pg_start_backup('backup', true, false)", 'pg_stop_backup(false, true)');
	mkdir $to, 0700 or die "$to: $!";
	my @left_out = map { "--exclude=./$_" } qw(pg_wal/* pg_replslot/* postmaster.pid postmaster.opts);
	my $copy = "tar -C '$self->{data}' @left_out -cf - . | tar -C '$to' -xf -";
	must({ stdin => <<"EOT" }, $self->psql);
SELECT $begin;
\\! $copy
\\o $to/backup_label
SELECT labelfile FROM $end;
EOT
	mkdir "$to/pg_wal/archive_status", 0700;
	-s "$to/backup_label" or die "no backup_label in $to";
	return $to;
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
