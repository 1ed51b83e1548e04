# Archive, standby, promotion and point-in-time recovery with an archive in a bucket.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use BucketArchive;
use Scenario;
use Test::More;
use WalTest;

my $archive = BucketArchive->new('archive');

# Certificates are checked: without the authority's, nobody speaks to the gateway.
my @options = grep { !/^--s3-ca-file=/ } $archive->options;
my $run = run({ env => $archive->environment }, 'walclean', '--timeout=1s', @options, $archive->location, '0' x 24);
is($run->{code}, 3, 'a gateway of an unknown authority is not trusted');
like($run->{err}, qr/^walclean: error: .*certificate/, 'and that is said') or diag($run->{err});

run_scenario(archive => $archive);
