# Other tools' archives that rsync reaches, read in place.

use FindBin;
use lib "$FindBin::Bin/../lib";
use ForeignArchive;
use RsyncTest;

my $server = data_directory('server');
my @some   = (segment_name(number => 4096), '00000002.history');

for my $kind (kinds())
{
	for my $foreign (grep { $_->{title} =~ /^(?:pgBackRest, 'zst'|WAL-G, 'gz')$/ } foreign_archives())
	{
		my $archive = archive($kind, $foreign->{tool});
		make_archive($foreign, $archive->{directory});
		reads_some("$kind: $foreign->{title}", $server, \@some, at($archive));
		my $before = listing($archive->{directory});
		refuses('... no push', { code => 4, cwd => $server, like => qr/\Q$foreign->{tool}\E, which is only read here/ }, 'walpush', at($archive),
			put_segment($server, number => 4098, timeline => 2));
		refuses('... no cleaning', { code => 4, cwd => $server, like => qr/\Q$foreign->{tool}\E, which is only read here/ }, 'walclean', at($archive),
			$some[0]);
		is(listing($archive->{directory}), $before, '... and nothing has changed');
	}
}
done_testing;
