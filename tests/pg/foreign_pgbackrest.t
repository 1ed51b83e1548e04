# A repository of pgBackRest, made by it with a real server, recovered from by walfetch. Its SHA-1 is checked.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use File::Basename qw(basename);
use File::Find ();
use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use ForeignScenario;
use Test::More;
use WalTest;

my @codings    = qw(none gz lz4 zst bz2);
my $repository = scratch('repository');

sub pgbackrest
{
	my ($node, @options) = @_;
	return ('pgbackrest', '--no-config', '--stanza=main', '--pg1-path=' . $node->data, "--repo1-path=$repository", '--lock-path=' . scratch('lock'),
		'--log-level-file=off', '--log-level-console=off', '--log-level-stderr=warn', @options);
}

my $run = run_foreign(
	codings => \@codings,
	prepare => sub { my ($primary) = @_; PgServer::must(pgbackrest($primary, '--no-online', 'stanza-create')) },
	command => sub { my ($node, $coding) = @_; return join ' ', pgbackrest($node, "--compress-type=$coding", 'archive-push', '"%p"') },
	location => $repository,
);

my @objects;
File::Find::find({ no_chdir => 1, wanted => sub { push @objects, $_ if -f && m{/archive/main/15-1/} } }, $repository);
for my $suffix ('', qw(.gz .lz4 .zst .bz2))
{
	ok((grep { /^[0-9A-F]{24}-[0-9a-f]{40}\Q$suffix\E$/ } map { basename($_) } @objects), "there are segments '$suffix'");
}
ok((grep { m{/15-1/00000002\.history$} } @objects), 'a history file above them');
ok((grep { /\.partial-[0-9a-f]{40}\.bz2$/ } @objects), 'and a partial segment');
is($run->wrong("$repository/$_"), '', "the same at $_") for qw(archive archive/main archive/main/15-1);

# ---- a flipped bit where no CRC of PostgreSQL's is, in each coding: the padding of a page header

my %program = ('' => 'cat', gz => 'gzip -c', lz4 => 'lz4 -qc', zst => 'zstd -qc', bz2 => 'bzip2 -c');
for my $suffix ('', qw(gz lz4 zst bz2))
{
	my ($object) = grep { basename($_) =~ /^[0-9A-F]{24}-[0-9a-f]{40}\.?\Q$suffix\E$/ } @objects;
	my ($name, $sha1) = basename($object) =~ /^(\w{24})-(\w{40})/;
	my $content = $run->{files}{$name} // PgServer::must('walfetch', $repository, $name, '-');
	is(sha1_hex($content), $sha1, "'$suffix': pgBackRest's name has the content's SHA-1");
	vec(my $flipped = $content, 21 * 8 + 3, 1) ^= 1;
	my $before = slurp($object);
	spew($object, PgServer::must({ stdin => $flipped }, 'sh', '-c', $program{$suffix}));
	my $destination = scratch() . '/fetched';
	my $damaged = run('walfetch', $repository, $name, $destination);
	is($damaged->{code}, 5, '... one bit of it flipped is refused') or diag($damaged->{err});
	like($damaged->{err}, qr/^walfetch: error: .*\Q$name\E.*SHA-1.*\n\z/, '... by that, in a line');
	ok(!-e $destination, '... and not delivered');
	my $plain = scratch("plain$suffix");
	spew("$plain/$name", $flipped);
	is(run('walfetch', $plain, $name, $destination)->{code}, 0, '... which nothing else would have found');
	unlink $destination;
	spew($object, $before);
}

# ---- it is only read

for my $command ([ 'walpush', $repository, $run->{nodes}{standby}->data . '/pg_wal/00000002.history' ], [ 'walclean', $repository, (sort keys %{ $run->{files} })[1] ])
{
	my $refused = run(@$command);
	is($refused->{code}, 4, "$command->[0] is refused");
	like($refused->{err}, qr/^$command->[0]: error: .*pgBackRest.*only read here: [^\n]*\n\z/, '... with advice');
}
my @after;
File::Find::find({ no_chdir => 1, wanted => sub { push @after, $_ if -f && m{/archive/main/15-1/} } }, $repository);
is("@after", "@objects", '... and nothing has changed');

# ---- encrypted

{
	my $primary   = $run->{nodes}{primary};
	my $encrypted = scratch('encrypted');
	my @cipher = ("--repo1-path=$encrypted", '--repo1-cipher-type=aes-256-cbc');
	my $env = { PGBACKREST_REPO1_CIPHER_PASS => 'secret' };
	my @names = grep { /^[0-9A-F]{24}$/ } sort keys %{ $run->{files} };
	my @command = grep { $_ ne "--repo1-path=$repository" } pgbackrest($primary, @cipher);
	PgServer::must({ env => $env }, @command, '--no-online', 'stanza-create');
	PgServer::must({ env => $env, cwd => $primary->data }, @command, 'archive-push', "pg_wal/$names[0]");
	my $refused = run({ cwd => $primary->data }, 'walfetch', $encrypted, $names[0], 'pg_wal/RECOVERYXLOG');
	is($refused->{code}, 4, 'an encrypted repository is refused') or diag($refused->{err});
	like($refused->{err}, qr/^walfetch: error: .*it is encrypted, which can't be read here\n\z/, '... in a line');
}

done_testing();
