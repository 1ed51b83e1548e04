package ForeignArchive;

# Archives as other tools leave them, made by their published formats; the same WAL in each.
#
#   use ForeignArchive;
#   my %wal = wal();                                   # name => content
#   for my $archive (foreign_archives())
#   {
#       make_archive($archive, $directory);            # or: put each of %{ $archive->{files}->() }, path => bytes, elsewhere
#       reads_archive("$archive->{title}, $_", $server, "$directory/$_") for @{ $archive->{locations} };
#   }
#
# Timeline 1 has segments 4094 to 4096, which lie in two logs, a base backup, and 4097 as a partial one; there timeline 2 forks off,
# which has 4097 to 4099.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test::More;
use WalSegment;
use WalTest;

our @EXPORT = qw(wal foreign_archives make_archive reads_archive reads_some compressed pgbackrest_name);

my %programs = (
	gz   => 'gzip -1 -c', zst => 'zstd -1 -qc', lz4 => 'lz4 -1 -qc', xz => 'xz -0 -c', bz2 => 'bzip2 -1 -c',
	lzma => 'xz -0 --format=lzma -c',
);
my (%wal, %compressed);

sub wal
{
	%wal = (
		(map { segment_name(number => $_) => segment(number => $_) } 4094 .. 4096),
		segment_name(number => 4097) . '.partial' => segment(number => 4097, end => 'zero'),
		backup_name(number => 4095) => backup_text(number => 4095),
		'00000002.history' => history_text([ 1, 4097 * MB + MB / 4 ]),
		(map { segment_name(number => $_, timeline => 2) => segment(number => $_, timeline => 2) } 4097 .. 4099),
	) if !%wal;
	return %wal;
}

# Content as the program for this suffix compresses it.
sub compressed
{
	my ($suffix, $content) = @_;
	return $content if $suffix eq '';
	return $compressed{$suffix}{ sha1_hex($content) } //= do {
		my $run = run({ stdin => $content }, 'sh', '-c', $programs{$suffix});
		die $run->{err} if $run->{code} != 0;
		$run->{out};
	};
}

# ---- layouts

sub is_history { return $_[0] =~ /\.history$/ }

# Timeline and log, and a slash; nothing for a history file.
sub log_of { my ($name) = @_; return is_history($name) ? '' : substr($name, 0, 16) . '/' }

# Each file of WAL where and as the code says, which is given name and content and returns path and bytes.
sub each_file
{
	my ($place) = @_;
	my %files = wal();
	return { map { $place->($_, $files{$_}) } sort keys %files };
}

sub pgbackrest_name
{
	my ($name, $content, $suffix) = @_;
	return $name =~ /history$|backup$/ ? log_of($name) . $name : log_of($name) . "$name-" . sha1_hex($content) . ($suffix ? ".$suffix" : '');
}

sub pgbackrest
{
	my ($suffix) = @_;
	my $files = each_file(sub {
		my ($name, $content) = @_;
		return ('archive/main/15-2/' . pgbackrest_name($name, $content, $suffix),
			$name =~ /history$|backup$/ ? $content : compressed($suffix, $content));
	});
	my $old = segment(number => 1, sysid => SYSID + 1);
	$files->{ 'archive/main/9.6-1/' . pgbackrest_name(segment_name(number => 1), $old, '') } = $old;
	$files->{"archive/main/archive.info$_"} = "[db]\ndb-id=2\ndb-system-id=" . SYSID . "\ndb-version=\"15\"\n" for '', '.copy';
	$files->{'backup/main/backup.info'} = "[db]\n";
	return $files;
}

sub barman_cloud
{
	my ($suffix) = @_;
	my $files = each_file(sub {
		my ($name, $content) = @_;
		return ("main/wals/" . log_of($name) . $name . ($suffix ? ".$suffix" : ''), compressed($suffix, $content));
	});
	$files->{'main/base/20261123T200000/backup.info'} = "backup_label=None\n";
	return $files;
}

sub barman
{
	my ($suffix) = @_;
	my $files = each_file(sub { my ($name, $content) = @_; return ('wals/' . log_of($name) . $name, compressed($suffix, $content)) });
	$files->{'wals/xlog.db'} = segment_name(number => 4094) . "\t1048576\t1795485396.0\tNone\n";
	$files->{ 'wals/' . log_of(segment_name(number => 4096)) . segment_name(number => 4200) . '.tmp' } = 'half';
	$files->{ 'wals/' . log_of(segment_name(number => 4096)) . segment_name(number => 4096) . '-xlog.db' } = 'x';
	$files->{'base/20261123T200000/backup.info'} = "backup_label=None\n";
	return $files;
}

sub flat
{
	my ($directory, $suffix, $coding) = @_;
	return each_file(sub { my ($name, $content) = @_; return ("$directory$name$suffix", compressed($coding // $suffix =~ s/^\.//r, $content)) });
}

sub wal_g
{
	my ($suffix) = @_;
	my $files = flat('wal_005/', ".$suffix");
	$files->{ 'wal_005/' . segment_name(number => 4200) . '.json' } = '{}';
	$files->{ 'wal_005/' . segment_name(number => 4200) . '_delta' } = 'x';
	$files->{ 'basebackups_005/base_' . segment_name(number => 4095) . '_backup_stop_sentinel.json' } = '{}';
	return $files;
}

# pg_receivewal compresses no history file, and names a partial segment the other way round.
sub pg_receivewal
{
	my ($suffix) = @_;
	return each_file(sub {
		my ($name, $content) = @_;
		return ($name, $content) if is_history($name) || $name =~ /backup$/;
		my $partial = $name =~ s/(\.partial)$// ? $1 : '';
		return ("$name.$suffix$partial", compressed($suffix, $content));
	});
}

sub pg_probackup
{
	my $files = flat('wal/main/', '.gz');
	$files->{ 'wal/main/' . segment_name(number => 4200) . $_ } = 'half' for '.part', '.gz.part';
	$files->{'backups/main/pg_probackup.conf'} = "system-identifier = @{[ SYSID ]}\n";
	return $files;
}

# pghoard writes the algorithm beside each file, not in its name.
sub pghoard
{
	my ($coding) = @_;
	my $files = each_file(sub {
		my ($name, $content) = @_;
		return ((is_history($name) ? 'timeline/' : 'xlog/') . $name, compressed($coding, $content));
	});
	$files->{"$_.metadata"} = '{"compression-algorithm": "zstd"}' for keys %$files;
	$files->{'basebackup/2026-11-23_20-00_0.metadata'} = '{}';
	return $files;
}

# What make_archive takes: title, files (code that returns path => bytes), locations (below where they are put), tool (that it is said
# to be of, for those that are only read; undef for what counts as ours).
sub foreign_archives
{
	return (
		in_codings("cp and the like", undef, [''], sub { flat('', $_[0] ? ".$_[0]" : '') }, '', qw(gz bz2 xz lz4 zst lzma)),
		in_codings('Bare names', undef, [''], sub { flat('', '', $_[0]) }, qw(gz bz2 xz lz4 zst lzma)),
		in_codings('WAL-G', 'WAL-G', [ '', '/', 'wal_005' ], \&wal_g, qw(lz4 zst lzma gz)),
		in_codings('barman-cloud', 'barman', [qw(main main/wals main/wals/)], \&barman_cloud, '', qw(gz bz2 xz zst lz4)),
		in_codings('barman', 'barman', [ '', 'wals' ], \&barman, '', qw(gz bz2)),
		in_codings('pgBackRest', 'pgBackRest', [ '', qw(archive archive/main archive/main/15-2) ], \&pgbackrest, '', qw(gz lz4 zst bz2)),
		in_codings('pgmoneta', 'pgmoneta', [ '', 'wal' ], sub { flat('wal/', '.zstd', $_[0]) }, 'zst'),
		in_codings('pg_probackup', 'pg_probackup', [ '', 'wal', 'wal/main' ], \&pg_probackup, 'gz'),
		in_codings('pghoard', 'pghoard', [''], \&pghoard, qw(zst xz)),
		in_codings('pg_receivewal', undef, [''], \&pg_receivewal, qw(gz lz4)),
	);
}

sub in_codings
{
	my ($title, $tool, $locations, $make, @codings) = @_;
	my @archives;
	for my $coding (@codings)
	{
		push @archives, { title => "$title, '$coding'", tool => $tool, locations => $locations, files => sub { $make->($coding) } };
	}
	return @archives;
}

sub make_archive
{
	my ($archive, $directory) = @_;
	my $files = $archive->{files}->();
	for my $path (sort keys %$files)
	{
		my $made = "$directory/" . dirname($path);
		-d $made or system('mkdir', '-p', '--', $made) == 0 or die;
		spew("$directory/$path", $files->{$path});
	}
	return $directory;
}

# ---- what walfetch makes of it

# Everything comes back; what is not there is proved absent, and a hole told from the end. The server is one of the same cluster.
sub reads_archive
{
	my ($title, $server, @archive) = @_;
	my %files = wal();
	return reads_some($title, $server, [ sort keys %files ], @archive);
}

# The same of these names alone, and fewer that are absent.
sub reads_some
{
	my ($title, $server, $names, @archive) = @_;
	my %files = wal();
	my @absent = (
		[ segment_name(number => 4093), 3, qr/a hole, not the end/ ],
		[ '00000003.history', 1, qr/^$/ ],
		[ segment_name(number => 4100, timeline => 2), 1, qr/^$/ ],
		[ segment_name(number => 4097), 1, qr/^$/ ],
	);
	splice @absent, 2 if @$names < keys %files;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @wrong;
	for my $name (@$names)
	{
		my $run = run({ cwd => $server }, 'walfetch', @archive, $name, '-');
		push @wrong, "$name: exit code $run->{code}: $run->{err}" if $run->{code} != 0 || $run->{err} ne '' || $run->{out} ne $files{$name};
	}
	for my $case (@absent)
	{
		my ($name, $code, $like) = @$case;
		my $run = run({ cwd => $server }, 'walfetch', @archive, $name, 'pg_wal/RECOVERYXLOG');
		push @wrong, "$name: exit code $run->{code} instead of $code: $run->{err}" if $run->{code} != $code || $run->{err} !~ $like;
	}
	return ok(!@wrong, "$title: what is there comes back, what is absent is proved to be") || diag(join "\n", @wrong);
}

1;
