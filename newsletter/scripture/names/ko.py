"""References as Korean writes them: "마태복음 5장 10절", "마 5:10"."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: 창세기, 창
Exod: 출애굽기, 탈출기, 출
Lev: 레위기, 레
Num: 민수기, 민
Deut: 신명기, 신
Josh: 여호수아, 여호수아기, 수
Judg: 사사기, 판관기, 삿
Ruth: 룻기, 룻
1Sam: 사무엘상, 1 사무엘, 삼상
2Sam: 사무엘하, 2 사무엘, 삼하
1Kgs: 열왕기상, 1 열왕기, 왕상
2Kgs: 열왕기하, 2 열왕기, 왕하
1Chr: 역대상, 역대기상, 1 역대기, 대상?
2Chr: 역대하, 역대기하, 2 역대기, 대하
Ezra: 에스라, 에즈라, 스
Neh: 느헤미야, 느
Esth: 에스더, 에스테르, 에
Job: 욥기, 욥
Ps: 시편, 시
Prov: 잠언, 잠
Eccl: 전도서, 코헬렛, 전
Song: 아가, 아
Isa: 이사야, 이사야서, 사
Jer: 예레미야, 예레미야서, 렘
Lam: 예레미야애가, 예레미야 애가, 애가, 애
Ezek: 에스겔, 에스겔서, 에제키엘, 겔
Dan: 다니엘, 다니엘서, 단
Hos: 호세아, 호세아서, 호
Joel: 요엘, 요엘서, 욜
Amos: 아모스, 아모스서, 암
Obad: 오바댜, 오바댜서, 옵
Jonah: 요나, 요나서, 욘
Mic: 미가, 미가서, 미
Nah: 나훔, 나훔서, 나
Hab: 하박국, 하박국서, 합
Zeph: 스바냐, 스바냐서, 습
Hag: 학개, 학개서, 학
Zech: 스가랴, 스가랴서, 슥
Mal: 말라기, 말라기서, 말
Matt: 마태복음, 마태오복음, 마태, 마
Mark: 마가복음, 마르코복음, 막
Luke: 누가복음, 루카복음, 눅
John: 요한복음, 요
Acts: 사도행전, 행
Rom: 로마서, 롬
1Cor: 고린도전서, 고전
2Cor: 고린도후서, 고후
Gal: 갈라디아서, 갈
Eph: 에베소서, 엡
Phil: 빌립보서, 빌
Col: 골로새서, 골
1Thess: 데살로니가전서, 살전
2Thess: 데살로니가후서, 살후
1Tim: 디모데전서, 딤전
2Tim: 디모데후서, 딤후
Titus: 디도서, 딛
Phlm: 빌레몬서, 몬
Heb: 히브리서, 히
Jas: 야고보서, 약
1Pet: 베드로전서, 벧전
2Pet: 베드로후서, 벧후
1John: 요한일서, 요한1서, 요일?, 요1
2John: 요한이서, 요한2서, 요이, 요2
3John: 요한삼서, 요한3서, 요삼, 요3
Jude: 유다서, 유
Rev: 요한계시록, 계시록, 요한묵시록, 계
""",
    chapter="제",
    verse="제",
    chapter_after="장|편",
    verse_after="절",
    to="부터|에서",
    also="과|와|및",
    onward="이하",
    follows="말씀 은 는 이 가 을 를 의 에 과 와 로 도 처럼 까지",
    quantity="분|명|개|년|월|일|원|시간|시에|세|살|배|km|kg|만|억|천|퍼센트",
    letters="ideographs",
)
