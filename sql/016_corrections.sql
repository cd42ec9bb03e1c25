-- A version may say that it corrects an earlier one. Part of what its hash covers, where it is there.

alter table versions add column corrects integer references versions;
alter table versions add constraint versions_correct_earlier_ones check (corrects < number);
