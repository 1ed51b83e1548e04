package BenchWal;

# WAL as servers write it: made on the spot by a PostgreSQL that lives as long as that takes.
#
#   my @segments = make_wal($data, 60);    # names; the files are in $data/pg_wal

use strict;
use warnings;

use BenchShell;
use Exporter qw(import);

our @EXPORT = qw(make_wal newest_postgres);

my $server;    # the data directory of the server that runs
my $owner = $$;

END
{
	my $code = $?;
	eval { stop_server('immediate') } if defined $server && $$ == $owner;
	$? = $code;
}

# A third bulk load, a third full page images after checkpoints, a third plain OLTP on pages that are in the WAL already.
sub make_wal
{
	my ($data, $count) = @_;
	start_server($data);
	my $first = segment_number();
	bulk_load($first + $count / 3);
	full_page_images($first + 2 * $count / 3);
	oltp($first + $count);
	stop_server('fast');
	note('');
	return map { sprintf '00000001%08X%08X', $_ >> 8, $_ & 0xff } $first .. $first + $count - 1;
}

# Where the programs of the newest PostgreSQL are; undef when there is none.
sub newest_postgres
{
	my @all = sort { version_of($a) <=> version_of($b) } glob '/usr/lib/postgresql/*/bin';
	return $all[-1];
}

sub version_of { return $_[0] =~ m{/([\d.]+)/bin$} ? $1 : 0 }

# ---- what is written

sub bulk_load
{
	my ($until) = @_;
	pgbench('-i -q -s 4');
	sql('CREATE TABLE bulk (id bigserial PRIMARY KEY, amount float, note text)');
	fill($until, sub { sql('INSERT INTO bulk (amount, note) SELECT random(), md5(n::text) FROM generate_series(1, 100000) n') });
	return;
}

sub full_page_images
{
	my ($until) = @_;
	my $row = 0;
	fill($until, sub { sql('CHECKPOINT'); sql('UPDATE bulk SET amount = amount + 1 WHERE id % 97 = ' . $row++ % 97) });
	return;
}

# The first update brings the pages into the WAL.
sub oltp
{
	my ($until)  = @_;
	my $script = scratch('oltp.sql');
	sql('UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % 20 = 0');
	write_file(
		$script, <<~'SQL');
		\set delta random(-5000, 5000)
		\set teller random(1, 10 * :scale)
		BEGIN;
		UPDATE pgbench_accounts SET abalance = abalance + :delta
		  WHERE aid IN (SELECT (random() * 100000 * :scale)::int FROM generate_series(1, 40));
		UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :teller;
		INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:teller, 1, 1, :delta, now());
		END;
		SQL
	fill($until, sub { pgbench("-n -s 4 -c 4 -j 2 -T 1 -f $script") });
	return;
}

# Writes at least once: the later parts build on what the earlier have filled.
sub fill
{
	my ($until, $write) = @_;
	my $left;
	do
	{
		$write->();
		$left = $until - segment_number();
		note(sprintf 'making WAL: %.0f segments of this kind to go', $left);
	} while ($left > 0);
	return;
}

# ---- the server

sub start_server
{
	my ($data) = @_;
	my $pg = newest_postgres();
	note('making WAL');
	as_postgres("$pg/initdb -D $data -A trust -E UTF8 --locale=C --no-sync");
	write_file(
		"$data/postgresql.auto.conf", <<~CONF);
		listen_addresses = ''
		unix_socket_directories = '$data'
		wal_level = replica
		fsync = off
		synchronous_commit = off
		shared_buffers = 1GB
		max_wal_size = 1TB
		wal_keep_size = 1TB
		checkpoint_timeout = 1d
		autovacuum = off
		CONF
	$server = $data;
	as_postgres("$pg/pg_ctl -D $data -l $data/log -w start");
	return;
}

sub stop_server
{
	my ($mode) = @_;
	my $data = $server;
	undef $server;
	as_postgres(newest_postgres() . "/pg_ctl -D $data -m $mode -w stop");
	return;
}

sub segment_number
{
	my $name = sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	$name =~ /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})$/ or fail("no segment's name: $name");
	return hex($1) * 256 + hex $2;
}

sub sql { return as_postgres(newest_postgres() . "/psql -h $server -XAtq -v ON_ERROR_STOP=1 -c '$_[0]' postgres") }

sub pgbench { return as_postgres(newest_postgres() . "/pgbench -h $server $_[0] postgres") }

# PostgreSQL refuses to run as root.
sub as_postgres
{
	my ($command) = @_;
	return shell($> == 0 ? "setpriv --reuid=nobody --regid=nogroup --clear-groups $command" : $command);
}

1;
