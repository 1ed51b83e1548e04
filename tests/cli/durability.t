# Acknowledged means durable: the order of the system calls, and what is left after a death at any of them.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use WalRace;

plan skip_all => 'strace can not trace here' unless can_trace();

my $server = data_directory('server');
my $calls  = 'open,openat,creat,mkdir,mkdirat,write,pwrite64,writev,pwritev,ftruncate,fallocate,copy_file_range,sendfile,'
  . 'fsync,fdatasync,sync_file_range,link,linkat,rename,renameat,renameat2,unlink,unlinkat,flock,exit_group';

# ---- the order of things

# Where in the trace something happens: the indexes of all calls for which the condition holds.
sub places
{
	my ($trace, $condition) = @_;
	return grep { local $_ = $trace->[$_]; $condition->() } 0 .. $#$trace;
}

# The one call that gives $path its name, without the power to replace what is there, and what it was named before.
sub placing
{
	my ($trace, $path) = @_;
	my ($directory, $name) = $path =~ m{^(.*)/(.*)$};
	my ($at) = places($trace, sub {
		$_->{name} =~ /^(?:linkat|renameat2)$/ && $_->{result} eq '0'
		  && $_->{arguments} =~ /<\Q$directory\E>, "\Q$name\E", (?:0|RENAME_NOREPLACE)$/;
	});
	return unless defined $at;
	my ($from, $temporary) = $trace->[$at]{arguments} =~ /^\d+<(.*?)>, "(.*?)"/;
	return ($at, "$from/$temporary");
}

# What is wrong with the way in which $path came to be; nothing if it is durable when the process ends.
sub order_of
{
	my ($trace, $path) = @_;
	my ($directory, $name) = $path =~ m{^(.*)/(.*)$};
	my ($placed, $temporary) = placing($trace, $path) or return 'it is not linked into place';
	my @wrong;
	my ($last_write) = reverse places($trace,
		sub { $_->{name} =~ /write|truncate|fallocate|copy_file|sendfile/ && $_->{arguments} =~ /<\Q$temporary\E>/ });
	my ($synced) = places($trace, sub { $_->{name} eq 'fsync' && $_->{arguments} =~ /<\Q$temporary\E>/ && $_->{result} eq '0' });
	my ($directory_synced) = reverse places($trace,
		sub { $_->{name} eq 'fsync' && $_->{arguments} =~ /^\d+<\Q$directory\E>$/ && $_->{result} eq '0' });
	my ($exit) = places($trace, sub { $_->{name} eq 'exit_group' });
	push @wrong, 'no data was written' unless defined $last_write;
	push @wrong, 'the data is not fsynced' unless defined $synced;
	push @wrong, 'data is written after the fsync' if ($last_write // 0) > ($synced // 0);
	push @wrong, 'it is linked before the fsync'   if ($synced // 0) > $placed;
	push @wrong, 'the directory is not fsynced behind it' if ($directory_synced // -1) < $placed;
	push @wrong, 'success is told before that' if ($directory_synced // 0) > ($exit // 0);
	push @wrong, "something else touches it: $_->{name} $_->{arguments}" for map { $trace->[$_] } places($trace, sub {
		($_->{name} =~ /^open|^creat/ && $_->{arguments} =~ /"(?:\Q$directory\E\/)?\Q$name\E", .*(?:O_CREAT|O_TRUNC|O_WRONLY|O_RDWR)/)
		  || ($_->{name} =~ /^rename(?:at)?$/ && $_->{arguments} =~ /"(?:\Q$directory\E\/)?\Q$name\E"$/)
		  || ($_->{name} =~ /^unlink/ && $_->{arguments} =~ /"(?:\Q$directory\E\/)?\Q$name\E"/);
	});
	return @wrong;
}

sub made_directory_is_synced
{
	my ($trace, $directory) = @_;
	my ($parent, $name) = $directory =~ m{^(.*)/(.*)$};
	my ($made) = places($trace, sub { $_->{name} eq 'mkdirat' && $_->{arguments} =~ /<\Q$parent\E>, "\Q$name\E"/ });
	my ($synced) = reverse places($trace, sub { $_->{name} eq 'fsync' && $_->{arguments} =~ /^\d+<\Q$parent\E>$/ });
	return defined $made && defined $synced && $made < $synced;
}

for my $coding (qw(zstd lz4 gzip none))
{
	my $archive = scratch("order_$coding");
	my $suffix = { zstd => '.zst', lz4 => '.lz4', gzip => '.gz', none => '' }->{$coding};
	put($server, '00000002.history', history_text());
	my $first = segment_name(number => 1);
	for my $file (put_segment($server, number => 1), pg_wal($server) . '/00000002.history')
	{
		my ($name) = $file =~ m{([^/]*)$};
		my $run = traced($calls, 'walpush', "--compress=$coding", $archive, $file);
		is($run->{code}, 0, "$coding: $name is pushed under strace") or diag($run->{err});
		is(join('; ', order_of($run->{calls}, "$archive/$name$suffix")), '', '... data, fsync, link, fsync of the directory');
		next if $name ne $first;
		is(join('; ', order_of($run->{calls}, "$archive/.waltools/archive")), '', '... and the same for the identity');
		ok(made_directory_is_synced($run->{calls}, "$archive/.waltools"), '... whose directory is durable too');
		my ($identity) = placing($run->{calls}, "$archive/.waltools/archive");
		my ($object) = placing($run->{calls}, "$archive/$name$suffix");
		cmp_ok($identity, '<', $object, '... and which comes first');
	}
	my $run = traced($calls, 'walpush', "--compress=$coding", $archive, pg_wal($server) . "/$first");
	my ($file) = places($run->{calls}, sub { $_->{name} eq 'fsync' && $_->{arguments} =~ m{<\Q$archive/$first$suffix\E>} });
	my ($directory) = places($run->{calls}, sub { $_->{name} eq 'fsync' && $_->{arguments} =~ m{<\Q$archive\E>} });
	ok($run->{code} == 0 && defined $file && defined $directory && $file < $directory,
		'... "already archived" is told only of what is durable: whoever wrote it may not have come so far');
}

# ---- system calls that fail

{
	my @cases = (
		[ 'fsync:error=EIO:when=1',                      0, 'fsync of the file fails' ],
		[ 'fsync:error=ENOSPC:when=1',                   0, 'fsync finds the disk full' ],
		[ 'write:error=ENOSPC:when=1',                   0, 'the disk is full' ],
		[ 'pwrite64:error=ENOSPC:when=1',                0, 'the disk is full for the label' ],
		[ 'write:error=EIO:when=1',                      0, 'write fails' ],
		[ 'linkat:error=EIO:when=1',                     0, 'linking fails' ],
		[ 'linkat:error=EACCES:when=1',                  0, 'linking is forbidden' ],
		[ 'fsync:error=EIO:when=2',                      1, 'fsync of the directory fails' ],
	);
	for my $case (@cases)
	{
		my ($inject, $may_be_there, $title) = @$case;
		my $archive = new_archive('failing_' . $inject =~ s/\W/_/gr, $server);
		my $file = put_segment($server, number => 2);
		my $run = injected($inject, 'walpush', $archive, $file);
		ok($run->{code} == 6 || $run->{code} == 3, "$title: it is told") or diag($run->{code}, $run->{err});
		like($run->{err}, qr/\Awalpush: error: [^\n]+\n\z/, '... in one line');
		is(leftovers($archive), '', '... nothing is left over');
		is(stored($archive), segment_name(number => 1) . '.zst', '... and nothing is there') unless $may_be_there;
		succeeds('... the next push succeeds', 'walpush', $archive, $file);
		ok(run('walfetch', $archive, segment_name(number => 2), '-')->{out} eq slurp($file), '... and it is there');
	}
	for my $inject (
		'fsync:error=EINTR:when=1', 'write:error=EINTR:when=1', 'flock:error=ENOLCK',
		'flock:error=EOPNOTSUPP', 'linkat:error=EPERM', 'linkat:error=EOPNOTSUPP', 'unlinkat:error=EIO'
	  )
	{
		my $archive = new_archive('enduring_' . $inject =~ s/\W/_/gr, $server);
		my $file = put_segment($server, number => 2);
		my $run = injected($inject, 'walpush', $archive, $file);
		is($run->{code}, 0, "$inject is no reason to fail") or diag($run->{err});
		ok(run('walfetch', $archive, segment_name(number => 2), '-')->{out} eq slurp($file), '... and all is there');
		put_segment($server, number => 2, seed => 2);
		$run = injected($inject, 'walpush', $archive, $file);
		is($run->{code}, 4, '... nor to replace anything') or diag($run->{err});
	}
}

# ---- killed, at any moment

# How many times each process that the command starts makes each of these calls, at the most.
sub moments
{
	my ($names, @command) = @_;
	my $run = traced($names, @command);
	my %count;
	$count{ $_->{name} }{ $_->{pid} }++ for grep { $_->{name} ne 'exited' } @{ $run->{calls} };
	my @moments;
	for my $name (sort keys %count)
	{
		my ($most) = sort { $b <=> $a } values %{ $count{$name} };
		push @moments, map { "$name:$_" } 1 .. $most;
	}
	return @moments;
}

my $deadly = 'mkdirat,openat,flock,read,write,pwrite64,fsync,linkat,unlinkat,exit_group';

# Runs the push for every moment in an archive of its own, with the signal then, and judges what is left.
sub push_dying
{
	my ($signal, $fresh) = @_;
	my $file = put_segment($server, number => 2, end => 'switch');
	my $name = segment_name(number => 2);
	my $bytes = slurp($file);
	my $kind = $signal . ($fresh ? '_first' : '');
	my $make = $fresh ? sub { scratch($_[0]) } : sub { new_archive($_[0], $server) };
	my @moments = moments($deadly, 'walpush', $make->("moments_$kind"), $file);
	my (%ended, @wrong);
	for my $moment (@moments)
	{
		my ($call, $when) = split /:/, $moment;
		my $archive = $make->("${kind}_${call}_$when");
		my $run = injected("$call:signal=$signal:when=$when", 'walpush', $archive, $file);
		my $how = $run->{signal} ? "signal $run->{signal}" : "exit code $run->{code}";
		$ended{$how}++;
		my $there = -e "$archive/$name.zst";
		push @wrong, "$moment: success is told and it is not there" if $how eq 'exit code 0' && !$there;
		push @wrong, "$moment: $how: " . leftovers($archive) if $signal eq 'TERM' && leftovers($archive) ne '';
		push @wrong, "$moment: $how" if $signal eq 'TERM' && $how !~ /^(?:signal 15|exit code (?:0|143))$/;
		$run = run('walfetch', $archive, $name, '-');
		push @wrong, "$moment: what is there is not whole: $run->{err}"
		  if $there && ($run->{code} != 0 || $run->{out} ne $bytes);
		$run = run('walpush', $archive, $file);
		push @wrong, "$moment: the next run fails: $run->{err}" if $run->{code} != 0 || $run->{err} ne '';
		run('walpush', $archive, put_segment($server, number => 3, end => 'switch'));
		push @wrong, "$moment: nobody clears up: " . leftovers($archive) if leftovers($archive) ne '';
		$run = run('walfetch', $archive, $name, '-');
		push @wrong, "$moment: it is not there afterwards: $run->{err}" if $run->{out} ne $bytes;
	}
	my $title = scalar(@moments) . " moments of a push" . ($fresh ? ' into an empty archive' : '');
	is(join("\n", @wrong), '', "SIG$signal at $title: nothing or everything");
	note("$title: ", join ', ', map { "$_ ($ended{$_})" } sort keys %ended);
	cmp_ok(scalar @moments, '>', 30, '... and there were moments');
	return;
}

push_dying('KILL', 0);
push_dying('KILL', 1);
push_dying('TERM', 0);

# ---- somebody else's temporary files

{
	my $archive = new_archive('living', $server);
	my @files = map { put_segment($server, number => $_) } 2 .. 6;
	my $stopped = stopped_at('fsync', 'walpush', $archive, $files[0]);
	my $its = leftovers($archive);
	isnt($its, '', 'a push is stopped, its temporary file is there');
	succeeds('... another one goes by', 'walpush', $archive, $files[1]);
	is(leftovers($archive), $its, '... and leaves it alone');
	is($stopped->go_on->{code}, 0, '... the first goes on and succeeds');

	$stopped = stopped_at('fsync', 'walpush', $archive, $files[2]);
	my $run = $stopped->kill_child;
	is($run->{code}, 6, 'a push whose working process is killed tells it') or diag($run->{code}, $run->{err});
	isnt(leftovers($archive), '', '... and leaves its temporary file');
	succeeds('... which the next one, for another file,', 'walpush', $archive, $files[3]);
	is(leftovers($archive), '', '... removes');

	$stopped = stopped_at('fsync', 'walpush', $archive, $files[4]);
	ok($stopped->pass_on('KILL', 'TERM'), 'a push is killed, and its working process is asked to go');
	$run = $stopped->go_on;
	is($run->{signal}, 9, '... which it does') or diag($run->{code});
	is(leftovers($archive), '', '... and clears up');
	unlike(stored($archive), qr/@{[ segment_name(number => 6) ]}/, '... and nobody pushes on behind the back of a new archiver');
	succeeds('... the next one succeeds', 'walpush', $archive, $files[4]);
}

# ---- SIGTERM and SIGINT, as the archiver hands them on

for my $ignored ('', 'TERM INT ALRM PIPE')
{
	my $archive = new_archive('term' . length $ignored, $server);
	my $file = put_segment($server, number => 2);
	my @command = ('sh', '-c', "trap '' $ignored; exec \"\$@\"", 'sh', 'walpush', $archive, $file);
	my $stopped = stopped_at('fsync', @command);
	ok($stopped->pass_on('TERM'), 'SIGTERM is handed on to the working process');
	my $run = $stopped->go_on;
	ok($run->{signal} == 15 || $run->{code} == 143, "SIGTERM to the program ends it, ignored at its start: '$ignored'")
	  or diag("$run->{code} $run->{signal} $run->{err}");
	is(stored($archive) . leftovers($archive), segment_name(number => 1) . '.zst', '... and nothing of it is left');

	$stopped = stopped_at('fsync', @command);
	kill 'INT', $stopped->child;
	$run = $stopped->go_on;
	is($run->{signal} || $run->{code}, $ignored ? 0 : 2, $ignored ? 'SIGINT, ignored at the start, stays so' : 'SIGINT ends it');
	is(leftovers($archive), '', '... nothing is left over');
}

# ---- a file system that does not answer

{
	my $archive = new_archive('silent', $server);
	my @files = map { put_segment($server, number => $_) } 2, 3;
	my $stopped = stopped_at('fsync', 'walpush', '--timeout=1s', $archive, $files[0]);
	my $run = $stopped->finish_stopped;
	ok($run->{code} == 3 && !$run->{timed_out}, 'a write that never returns ends at the deadline') or diag($run->{code}, $run->{err});
	like($run->{err}, qr/\Awalpush: error: [^\n]*not answered[^\n]*\n\z/, '... in one line');
	is(stored($archive), segment_name(number => 1) . '.zst', '... nothing is there');
	succeeds('... the next push succeeds', 'walpush', $archive, $files[0]);

	$stopped = stopped_at('linkat', 'walpush', $archive, $files[1]);
	my $last = put_segment($server, number => 4);
	$run = run('walpush', '--timeout=1s', $archive, $last);
	ok($run->{code} == 0 || ($run->{code} == 3 && $run->{seconds} < 20), 'one that has stopped holds up others to their deadline');
	is($stopped->go_on->{code}, 0, '... and goes on when it can');
	succeeds('... as do the others', 'walpush', $archive, $last);
	is(leftovers($archive), '', '... and nothing is left over');
}

# ---- walfetch

{
	my $archive = new_archive('fetched', $server);
	my $name = segment_name(number => 1);
	my $bytes = segment(number => 1);
	my $to = pg_wal($server) . '/RECOVERYXLOG';
	my $directory = pg_wal($server);
	my $run = traced($calls, 'walfetch', $archive, $name, $to);
	is($run->{code}, 0, 'fetched under strace') or diag($run->{err});
	my ($renamed) = places($run->{calls}, sub { $_->{name} =~ /^rename/ && $_->{arguments} =~ /"RECOVERYXLOG"/ });
	my ($temporary) = $run->{calls}[ $renamed // 0 ]{arguments} =~ /<\Q$directory\E>, "(.*?)", \d+<\Q$directory\E>, "RECOVERYXLOG"/;
	ok($temporary, '... the destination appears by a rename within its directory') or diag(explain($run->{calls}));
	my ($written) = reverse places($run->{calls}, sub { $_->{name} =~ /write/ && $_->{arguments} =~ m{/\Q$temporary\E>} });
	cmp_ok($written, '<', $renamed, '... after the last write');
	is(scalar places($run->{calls}, sub { $_->{name} =~ /^open/ && $_->{arguments} =~ /RECOVERYXLOG/ }), 0,
		'... and is not touched before');

	my $left = sub { join ' ', grep { !m{/(?:archive_status|0[^/]*)$} } glob "$directory/{*,.[!.]*}" };
	my @wrong;
	my @moments = moments('openat,flock,read,write,renameat,unlinkat,exit_group', 'walfetch', $archive, $name, $to);
	for my $signal (qw(KILL TERM))
	{
		for my $moment (@moments)
		{
			my ($call, $when) = split /:/, $moment;
			unlink $to;
			$run = injected("$call:signal=$signal:when=$when", 'walfetch', $archive, $name, $to);
			push @wrong, "$signal at $moment: not whole" if -e $to && slurp($to) ne $bytes;
			push @wrong, "$signal at $moment: left over: " . $left->() if $signal eq 'TERM' && $left->() !~ m{^(?:\Q$to\E)?$};
			push @wrong, "$signal at $moment: told success" if $run->{code} == 0 && !$run->{signal} && !-e $to;
			push @wrong, "$signal at $moment: exit code $run->{code}: PostgreSQL takes it for the end"
			  if $signal eq 'TERM' && $run->{signal} != 15 && $run->{code} != 143 && $run->{code} != 0;
			$run = run('walfetch', $archive, $name, $to);
			push @wrong, "$signal at $moment: the next run: $run->{err} " . $left->()
			  if $run->{code} != 0 || $left->() ne $to || slurp($to) ne $bytes;
		}
	}
	is(join("\n", @wrong), '', 'killed or terminated at ' . @moments . ' moments of a fetch: nothing or everything');

	spew("$server/recovery.signal", '');
	my $stopped = stopped_at('renameat', 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $server,
		'walfetch', $archive, $name, 'pg_wal/RECOVERYXLOG');
	$run = $stopped->kill_child;
	is($run->{code}, 254, 'a working process that is killed is no end of the WAL') or diag($run->{err});
	unlink "$server/recovery.signal";
	succeeds('... the next fetch', 'walfetch', $archive, $name, $to);
	is($left->(), $to, '... clears up');
}

done_testing;
