#!/usr/bin/perl
# The build: no warnings with gcc and with clang, installs what it should, uninstalls all of it.
use strict;
use warnings;
use Test::More;
use File::Find;
use File::Temp qw(tempdir);
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;

my $scratch = tempdir(CLEANUP => 1);
delete $ENV{MAKEFLAGS};
delete $ENV{MAKELEVEL};

for my $compiler (qw(gcc clang)) {
    my $output = `make -s CC=$compiler BUILD=$scratch/$compiler test-programs 2>&1`;
    is($?, 0, "$compiler builds everything");
    is($output, '', "$compiler has nothing to say");
}

sub files {
    my ($top) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, $File::Find::name if -f } }, $top);
    return sort map { substr $_, length $top } @found;
}

my $make = "make -s BUILD=$scratch/gcc DESTDIR=$scratch/root PREFIX=/opt/waltools";
is(system("$make install"), 0, 'make install');
my @installed = files("$scratch/root");
for my $program (qw(walpush walfetch walclean wallist walverify)) {
    ok((grep { $_ eq "/opt/waltools/bin/$program" } @installed), "$program is installed");
    ok((grep { $_ eq "/opt/waltools/share/man/man1/$program.1" } @installed), 'and its manual page');
    ok((grep { $_ eq "/opt/waltools/share/bash-completion/completions/$program" } @installed), 'and its completion');
    like(`$scratch/root/opt/waltools/bin/$program --version`, qr/^$program \(waltools\) \d/, 'it runs');
}
ok((grep { $_ eq '/opt/waltools/share/waltools/wallist.schema.json' } @installed), 'the schema is installed');
is(system("$make uninstall"), 0, 'make uninstall');
is_deeply([ files("$scratch/root") ], [], 'leaves nothing');

like(`make -s help`, qr/^  check\s.*^  demo\s.*^  install\s/ms, 'make help lists the targets');
is(system("make -s BUILD=$scratch/gcc compile_commands.json"), 0, 'make compile_commands.json');
is(system('perl -MJSON::PP -0777 -ne "decode_json(\$_)" compile_commands.json'), 0, 'is JSON');

# A program that needs only a directory starts without the heavy libraries.
for my $program (qw(walpush walfetch walclean wallist walverify)) {
    unlike(`ldd $scratch/gcc/bin/$program`, qr/libcurl|libarchive|libxml2|libexpat|libjansson/, "$program links nothing heavy");
}

done_testing();
