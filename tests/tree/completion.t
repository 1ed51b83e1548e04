#!/usr/bin/perl
# bash completion: every option of every program, the values that options take, sections, backups, directories.
use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;

my $bin     = abs_path($ENV{TEST_BIN} // 'build/bin');
my $script  = abs_path('scripts/waltools.bash-completion');
my ($scratch, $home) = map { tempdir(CLEANUP => 1) } 1 .. 2;
my @programs = grep { -x "$bin/$_" } qw(walpush walfetch walclean wallist walverify);
$ENV{PATH} = "$bin:$ENV{PATH}";
$ENV{HOME} = $home;
delete $ENV{WALTOOLS_CONFIG};

mkdir $_ or die $! for "$scratch/archive", "$home/.config";
for my $name ('000000010000000000000002.00000028.backup.zst', '000000010000000000000005.00000028.backup') {
    open my $file, '>', "$scratch/archive/$name" or die $!;
}
open my $config, '>', "$home/.config/waltools.conf" or die $!;
print {$config} "timeout = 5s\n[main]\narchive = /srv/wal\n[far]\narchive = s3://wal\n";
close $config;

# What is offered for the last of these words, as bash has broken them.
sub offered {
    my (@words) = @_;
    open my $out, '-|', 'bash', '-c', <<'BASH', 'bash', $script, $scratch, @words or die $!;
source "$1"; cd "$2"; shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_waltools "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
BASH
    my @lines = grep { length } map { chomp; $_ } <$out>;
    return sort @lines;
}

for my $program (@programs) {
    my %option = map { $_ => 1 } `$bin/$program --help` =~ /^  (?:-\w, |    )(--[a-z0-9-]+=?)/mg;
    my %offered = map { $_ => 1 } offered($program, '--');
    is_deeply([ grep { !$offered{$_} } sort keys %option ], [], "$program: every option is offered");
}
is_deeply([ offered('walpush', '--compr') ], ['--compress='], 'an option that takes a value gets its =');
is_deeply([ offered('walfetch', '--on-error', '=', 'a') ], [qw(abort auto)], 'values of an option');
is_deeply([ offered('walfetch', '--on-error=t') ], ['--on-error=table'], 'also where = breaks no words');

# The words in the script are words that the programs take.
open my $in, '<', $script or die $!;
my ($function) = do { local $/; <$in> } =~ /^_waltools_words\(\) \{(.*?)^\}/ms;
my $tried = 0;
while ($function =~ /^\s+(--[^)]*)\) echo (.*) ;;/mg) {
    my ($options, @words) = ($1, split ' ', $2);
    for my $option (split /[ |]+/, $options) {
        my ($program) = grep { `$bin/$_ --help` =~ /\Q$option\E=/ } @programs or next;
        for my $word (@words) {
            my $said = `$bin/$program $option=$word /nonexistent/archive 2>&1`;
            unlike($said, qr/is none of|no level|unknown/, "$program takes $option=$word");
            $tried++;
        }
    }
}
cmp_ok($tried, '>', 20, 'values were tried');

is_deeply([ offered('walpush', '') ], [qw(archive far main)], 'for ARCHIVE: sections and directories');
is_deeply([ offered('walclean', '-n', 'archive', '') ],
    [ '000000010000000000000002.00000028.backup', '000000010000000000000005.00000028.backup' ],
    'for OLDESTKEPT: the base backups of the archive');
is_deeply([ offered('walpush', 'main', 'arch') ], ['archive'], 'for FILE: files');

done_testing();
